"""Upload to the Timesheets API and judge its answers. Knows nothing of where the token came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import requests
from requests.auth import AuthBase

from timesheets.uploader.errors import (
    AccessRefused,
    ConfigurationError,
    EntriesRejected,
    TemporaryFailure,
    UploadError,
)
from timesheets.uploader.exchange import Answer, Message, Timeouts, make_printable, post_json
from timesheets.uploader.tokens import AccessToken


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One entry, and the key that lets it be sent twice and stored once."""

    url: str
    entry: Mapping[str, object]
    idempotency_key: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the API says about an entry that it has."""

    message: str


class BearerAuth(AuthBase):
    """Puts a token in the Authorization header (RFC 6750 section 2.1)."""

    def __init__(self, token: AccessToken) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token.value}"
        return request


def upload_entry(
    session: requests.Session, upload: Upload, token: AccessToken, timeouts: Timeouts
) -> Receipt:
    """The API's receipt for the entry, new or there already. Raises an UploadError where there is none."""
    message = Message(
        url=upload.url,
        document=upload.entry,
        auth=BearerAuth(token),
        headers={"Idempotency-Key": upload.idempotency_key},
        secret=token.value,
    )
    answer = post_json(session, message, timeouts)
    receipt = answer.quote("message")
    if answer.status in (200, 201) and receipt:
        return Receipt(message=receipt)
    raise explain_refusal(answer, upload.url, token)


def explain_refusal(answer: Answer, url: str, token: AccessToken) -> UploadError:
    summary = answer.summarize("code", "detail")
    # The API answers 400 to a token that it can't even read.
    if answer.status == 401 or answer.quote("code") == "invalid_request":
        return AccessRefused(
            f"upload refused: {summary}; check that the API trusts this issuer, "
            "and that AUTH0_AUDIENCE is the audience it expects"
        )
    if answer.status == 403:
        return AccessRefused(
            f"upload refused: {summary}; the access token's scopes: {token.scopes}; "
            "grant this client the one that the API requires"
        )
    if answer.is_temporary_failure:
        return TemporaryFailure(f"{url}: no upload for now: {summary}; run it again later")
    if answer.status in (400, 409, 422) and answer.quote("detail"):
        return EntriesRejected("; ".join([f"entry rejected: {summary}", *list_errors(answer)]))
    return ConfigurationError(
        f"{url}: this is not an answer of the Timesheets API: {summary}; check TIMESHEETS_API_URL"
    )


def list_errors(answer: Answer) -> Iterator[str]:
    errors = (answer.document or {}).get("errors")
    for name, faults in errors.items() if isinstance(errors, dict) else ():
        texts = faults if isinstance(faults, list) else [faults]
        yield make_printable(f"{name}: {' '.join(str(text) for text in texts)}", answer.secret)
