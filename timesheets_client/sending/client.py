"""Send a request to the Timesheets API with a token that it takes, and judge whether it answered it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

import requests
from requests.auth import AuthBase

from timesheets_client.access.issued_tokens import AccessToken
from timesheets_client.access.tokens import TokenSource
from timesheets_client.errors import (
    AccessRefused,
    AnswerLost,
    ConfigurationError,
    NothingSent,
    TemporaryFailure,
    UploadError,
)
from timesheets_client.network.exchange import Timeouts, exchange
from timesheets_client.network.messages import Answer, Content, Message
from timesheets_client.network.retries import Clock, RetryPolicy, seconds_left, send_with_retries

# The API asks for the keys of a rotated issuer at most this often.
KEY_ROTATION_SECONDS = 30
# What the API says about entries; the rest is about the caller, the moment or the address.
ABOUT_ENTRIES = frozenset({200, 201, 207, 400, 409, 413, 422})
# After these nothing is stored: statuses, whoever says so, and codes, which only the API has. After
# `database_unavailable` it may be: a database can be lost between its commit and its word of it.
NOT_TAKEN = frozenset({408, 425, 429})
NOTHING_STORED = ("issuer_unavailable", "overloaded")
# A body that arrives whole never gets these from the API.
DAMAGED = ("incomplete_body", "malformed_body")


class BearerAuth(AuthBase):
    """Puts a token in the Authorization header (RFC 6750 section 2.1)."""

    def __init__(self, token: AccessToken) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token.value}"
        return request


@dataclass(frozen=True, kw_only=True)
class UploadRequest:
    """What is uploaded and how; `is_repeatable` if it may arrive twice and is stored once."""

    content: Content
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True


class ApiClient:
    """The upload address of the API, for one run."""

    def __init__(
        self,
        upload_url: str,
        session: requests.Session,
        tokens: TokenSource,
        timeouts: Timeouts,
        policy: RetryPolicy,
        clock: Clock,
    ) -> None:
        self.upload_url = upload_url
        self._session, self._tokens, self._timeouts = session, tokens, timeouts
        self._policy, self._clock = policy, clock
        # The value of the last token that the API accepted.
        self._accepted = ""
        self._has_replaced = self._has_waited = False

    def upload(self, request: UploadRequest) -> Answer:
        """The API's answer about what was uploaded: its status is one of ABOUT_ENTRIES.

        Raises an UploadError where there is none.
        """
        token = self._tokens.obtain()
        answer = self._send(request, token)
        while (other := self._find_other_token(answer, token)) is not None:
            token = other
            answer = self._send(request, token)
        if answer.status in ABOUT_ENTRIES and answer.quote("code") not in (*DAMAGED, "invalid_request"):
            self._accepted = token.value
            self._has_replaced = self._has_waited = False
            return answer
        raise explain_refusal(answer, self.upload_url, token)

    def _find_other_token(self, answer: Answer, refused: AccessToken) -> AccessToken | None:
        """A token to try once more with, if there is any point in that."""
        is_known = refused.is_from_cache or refused.value == self._accepted
        if answer.status == HTTPStatus.UNAUTHORIZED and not is_known:
            return self._wait_for_key(refused)
        # A new token would have the same scopes as one that this run bought.
        is_outdated = answer.status == HTTPStatus.FORBIDDEN and refused.is_from_cache
        return self._replace(refused) if is_outdated or answer.status == HTTPStatus.UNAUTHORIZED else None

    def _wait_for_key(self, refused: AccessToken) -> AccessToken | None:
        """A token to try with after a while; None the second time.

        The issuer may have signed the refused one with a key that the API has yet to see.
        """
        if self._has_waited:
            return None
        self._has_waited = True
        # Of the time that is left, half is for another try.
        seconds = max(0.0, min(KEY_ROTATION_SECONDS, seconds_left(self._policy, self._clock) / 2))
        self._clock.announce(
            f"waiting {seconds:.1f} s for the API: {self.upload_url}: it refused a new token, and may not "
            "have seen the issuer's new key yet."
        )
        self._clock.sleep(seconds)
        return self._replace(refused) or refused

    def _replace(self, refused: AccessToken) -> AccessToken | None:
        """Another token, once between two uploads that the API accepted."""
        if self._has_replaced:
            return None
        self._has_replaced = True
        return self._tokens.replace(refused)

    def _send(self, request: UploadRequest, token: AccessToken) -> Answer:
        query = f"?{urlencode(request.parameters)}" if request.parameters else ""
        message = Message(
            url=f"{self.upload_url}{query}",
            content=request.content,
            auth=BearerAuth(token),
            headers=request.headers,
            secrets=(token.value,),
        )

        def send() -> Answer:
            timeouts = self._timeouts.within(seconds_left(self._policy, self._clock))
            return exchange(self._session, message, timeouts)

        def send_once() -> Answer:
            return require_certain(send)

        return send_with_retries(send if request.is_repeatable else send_once, self._policy, self._clock)


def require_certain(send: Callable[[], Answer]) -> Answer:
    """The answer, if it leaves no doubt whether something was stored. Raises AnswerLost."""
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


def explain_refusal(answer: Answer, url: str, token: AccessToken) -> UploadError:
    summary = answer.summarize("code", "detail")
    if answer.quote("code") in DAMAGED:
        return TemporaryFailure(
            f"{url}: what was sent arrived damaged: {summary}; "
            "run it again later, and if that happens again check the proxy in front of the API"
        )
    # The API answers 400 to a token that it can't even read.
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST):
        return AccessRefused(
            f"upload refused: {summary}; check that the API trusts this issuer, "
            "and that AUTH0_AUDIENCE is the audience it expects"
        )
    if answer.status == HTTPStatus.FORBIDDEN:
        return AccessRefused(
            f"upload refused: {summary}; the access token's scopes: {token.scopes}; "
            "grant this client the one that the API requires"
        )
    if answer.is_temporary_failure:
        return TemporaryFailure(f"{url}: no upload for now: {summary}; run it again later")
    return explain_unexpected_answer(answer, url)


def explain_unexpected_answer(answer: Answer, url: str) -> UploadError:
    summary = answer.summarize("code", "detail")
    return ConfigurationError(
        f"{url}: this is not an answer of the Timesheets API: {summary}; check TIMESHEETS_API_URL"
    )
