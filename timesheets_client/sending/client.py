"""Upload to the Timesheets API with an access token, and explain why it refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from functools import cached_property, partial
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from timesheets_client.access.issued_tokens import AccessToken
from timesheets_client.access.tokens import TokenSource
from timesheets_client.environment.config import UPLOAD_PATH
from timesheets_client.errors import (
    AccessRefused,
    AnswerLost,
    ConfigurationError,
    NothingSent,
    ParameterRefused,
    TemporaryFailure,
    UploadError,
)
from timesheets_client.network.exchange import Connection
from timesheets_client.network.messages import Answer, Message, make_printable
from timesheets_client.network.retries import send_with_retries
from timesheets_files.dates import find_zone

# In front of the path of the resource (RFC 9728, section 3.1).
METADATA_PATH = "/.well-known/oauth-protected-resource"
JSON_ONLY = {"Accept": "application/json"}
# The API fetches new keys of an issuer at most this often.
KEY_ROTATION_SECONDS = 30
# The other statuses are about the caller, the server or the address.
ABOUT_ENTRIES = frozenset({200, 201, 207, 400, 409, 413, 422})
# With these statuses or codes nothing is stored. `database_unavailable` is not one of them, because the
# connection can be lost between the commit and its confirmation.
NOT_TAKEN = frozenset({408, 425, 429})
NOTHING_STORED = ("issuer_unavailable", "overloaded")
# The API never answers an intact body with these codes.
DAMAGED = ("incomplete_body", "malformed_body")
# What an operator decided about this client. No scope helps.
DECISIONS = ("client_stopped", "organization_unassigned")
LABEL = "label"


class BearerAuth(AuthBase):
    """Adds a token as the Authorization header (RFC 6750 section 2.1)."""

    def __init__(self, token: AccessToken) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token.value}"
        return request


class ApiClient:
    """The API during one run."""

    def __init__(self, upload_url: str, connection: Connection, tokens: TokenSource) -> None:
        self.upload_url = upload_url
        self._connection, self._clock, self._tokens = connection, connection.clock, tokens
        self._accepted_token = ""
        self._has_replaced = self._has_waited = False
        self._knows_labels = True

    def upload(self, message: Message, *, is_repeatable: bool = True) -> Answer:
        """The API's answer about the entries, with a status from ABOUT_ENTRIES. Raises an UploadError.

        A repeatable message is stored once, even if it arrives twice. An older API gets no label.
        """
        if LABEL in message.parameters and not self._knows_labels:
            others = {name: value for name, value in message.parameters.items() if name != LABEL}
            message = replace(message, parameters=others)
        answer, token = self._send(message, is_repeatable=is_repeatable)
        code = answer.quote("code")
        if answer.status not in ABOUT_ENTRIES or code in (*DAMAGED, "invalid_request"):
            raise explain_refusal(answer, self.upload_url, token)
        self._accept(token)
        is_refused = answer.status == HTTPStatus.BAD_REQUEST and code == "invalid_parameter"
        if is_refused and LABEL in message.parameters:
            self._knows_labels = False
            return self.upload(message, is_repeatable=is_repeatable)
        return answer

    def read(self, path: str, **parameters: str) -> Answer | None:
        """The answer with the document at a path such as `/uploads/17`; None if there is none.

        Raises an UploadError.
        """
        url = f"{self.upload_url.removesuffix(UPLOAD_PATH)}{path}"
        message = Message(method="GET", url=url, parameters=parameters, headers=JSON_ONLY)
        answer, token = self._send(message, is_repeatable=True)
        if answer.status == HTTPStatus.OK and answer.document is not None:
            self._accept(token)
            return answer
        if answer.status == HTTPStatus.NOT_FOUND and answer.quote("code") == "not_found":
            return None
        raise explain_refusal(answer, url, token, action="reading back")

    @cached_property
    def time_zone(self) -> tzinfo | None:
        """The zone in which the API counts days, if its metadata name it. Raises an UploadError."""
        parts = urlsplit(self.upload_url)
        message = Message(method="GET", url=f"{parts.scheme}://{parts.netloc}{METADATA_PATH}{parts.path}")
        send = partial(self._connection.send, message)
        answer = send_with_retries(send, self._connection.retries, self._clock)
        if answer.is_temporary_failure:
            raise TemporaryFailure(f"{answer.url}: {answer.status}; run it again later")
        return find_zone(answer.quote("time_zone"))

    def quote(self, text: object) -> str:
        """A value from the API, safe to print."""
        return make_printable(str(text), self._accepted_token)

    def _send(self, message: Message, *, is_repeatable: bool) -> tuple[Answer, AccessToken]:
        """The answer, and the token that got it. Waits or replaces the token once each, if that may help."""
        while True:
            answer, token = self._send_until_answered(message, is_repeatable=is_repeatable)
            is_known = token.is_from_cache or token.value == self._accepted_token
            is_refused = answer.status == HTTPStatus.UNAUTHORIZED
            # Another token would have the same scopes as one from this run.
            is_outdated = answer.status == HTTPStatus.FORBIDDEN and token.is_from_cache
            if is_refused and not is_known:
                if self._has_waited:
                    return answer, token
                self._wait_for_key()
            elif self._has_replaced or not (is_refused or is_outdated):
                return answer, token
            if not self._has_replaced:
                self._has_replaced = True
                self._tokens.replace(token)

    def _accept(self, token: AccessToken) -> None:
        self._accepted_token = token.value
        self._has_replaced = self._has_waited = False

    def _wait_for_key(self) -> None:
        """Wait, because the API may not know the issuer's new key yet."""
        self._has_waited = True
        # Half of the time left is for another try.
        seconds = max(0.0, min(KEY_ROTATION_SECONDS, self._clock.seconds_left / 2))
        self._clock.announce(
            f"waiting {seconds:.1f} s for the API: {self.upload_url}: it refused a new token, and may not "
            "have seen the issuer's new key yet."
        )
        self._clock.sleep(seconds)

    def _send_until_answered(self, message: Message, *, is_repeatable: bool) -> tuple[Answer, AccessToken]:
        """The answer after all retries, and the token of the last one."""
        token = self._tokens.obtain()

        def send() -> Answer:
            return self._connection.send(replace(message, auth=BearerAuth(token), secrets=(token.value,)))

        def pause(seconds: float) -> None:
            nonlocal token
            self._clock.sleep(seconds)
            # It may have expired. A failure ends the retries, because the token request has its own.
            token = self._tokens.obtain()

        sender = send if is_repeatable else partial(require_certain, send)
        answer = send_with_retries(sender, self._connection.retries, replace(self._clock, sleep=pause))
        return answer, token


def require_certain(send: Callable[[], Answer]) -> Answer:
    """The answer, if it is certain whether something is stored. Raises AnswerLost."""
    try:
        answer = send()
    except NothingSent:
        raise
    except TemporaryFailure as error:
        raise AnswerLost(str(error)) from None
    is_certain = answer.status in NOT_TAKEN or answer.quote("code") in NOTHING_STORED
    if answer.is_temporary_failure and not is_certain:
        raise AnswerLost(f"{answer.url}: {answer.summarize('code', 'detail')}")
    return answer


def explain_refusal(answer: Answer, url: str, token: AccessToken, action: str = "upload") -> UploadError:
    code, summary = answer.quote("code"), answer.summarize("code", "detail")
    if code in DAMAGED:
        return TemporaryFailure(
            f"{url}: the request arrived damaged: {summary}; "
            "run it again later, and if it fails again, check the proxy in front of the API"
        )
    # The code for a token that the API cannot parse.
    if answer.status == HTTPStatus.UNAUTHORIZED or code == "invalid_request":
        advice = "; check that the API trusts this issuer and expects the audience in AUTH0_AUDIENCE"
        return AccessRefused(f"{action} refused: {summary}{advice}")
    if answer.status == HTTPStatus.FORBIDDEN:
        scopes = (
            f"; the access token's scopes: {token.scopes}; grant this client the scope that the API requires"
        )
        return AccessRefused(f"{action} refused: {summary}{'' if code in DECISIONS else scopes}")
    if answer.is_temporary_failure:
        return TemporaryFailure(f"{url}: {action} not possible now: {summary}; run it again later")
    unexpected = explain_unexpected_answer(answer, url)
    is_parameter = answer.status == HTTPStatus.BAD_REQUEST and code == "invalid_parameter"
    return ParameterRefused(str(unexpected), summary) if is_parameter else unexpected


def explain_unexpected_answer(answer: Answer, url: str) -> ConfigurationError:
    summary = answer.summarize("code", "detail")
    return ConfigurationError(
        f"{url}: this is not a response from the Timesheets API: {summary}; check TIMESHEETS_API_URL"
    )
