"""Find the token endpoint, and read the token or the error from its answer."""

import math
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from timesheets_client.access.issued_tokens import IssuedToken
from timesheets_client.environment.config import UploaderConfig
from timesheets_client.environment.credentials import ClientAuth
from timesheets_client.errors import AccessRefused, ConfigurationError, TemporaryFailure
from timesheets_client.network.addresses import find_fault
from timesheets_client.network.messages import Answer, make_printable

CHECK_ISSUER = "check OAUTH_ISSUER, or set OAUTH_TOKEN_URL"
CHECK_ACCESS = "check AUTH0_AUDIENCE, and that the issuer lets this client use that API"
CHECK_REQUEST = "check OAUTH_TOKEN_REQUEST and OAUTH_AUDIENCE_PARAMETER: this issuer may expect other values"
CHECK_ADDRESS = "check AUTH0_DOMAIN, or OAUTH_ISSUER and OAUTH_TOKEN_URL"
# By the issuer's error code, else by the status.
REMEDIES: Mapping[str | int, str] = {
    "invalid_client": "{credentials}, and that the issuer expects them by OAUTH_CLIENT_AUTH",
    "unauthorized_client": "allow this client the grant type client_credentials at the issuer",
    "unsupported_grant_type": CHECK_REQUEST,
    "invalid_request": CHECK_REQUEST,
    "invalid_scope": "check OAUTH_SCOPE, and that the issuer grants it to this client",
    "invalid_target": CHECK_ACCESS,
    400: "{credentials}, and AUTH0_AUDIENCE",
    401: "{credentials}",
    403: CHECK_ACCESS,
}


def list_metadata_urls(issuer: str) -> tuple[str, str]:
    """The URLs that OpenID Connect Discovery (section 4.1) and RFC 8414 (section 3.1) define."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
    )


def discover_token_endpoint(issuer: str, fetch: Callable[[str], Answer]) -> str:
    """The token endpoint, byte for byte as in the metadata.

    Raises what `fetch` raises, TemporaryFailure if the issuer is busy, and ConfigurationError if no usable
    metadata are found: they must name this issuer (RFC 8414 section 3.3) and a safe token endpoint.
    """
    urls = list_metadata_urls(issuer)
    for url in urls:
        answer = fetch(url)
        if answer.is_temporary_failure:
            raise TemporaryFailure(f"{url}: {answer.status}; run it again later.")
        if answer.status == 200 and answer.document is not None:
            return read_token_endpoint(answer, issuer)
    raise ConfigurationError(f"{issuer}: publishes no metadata at {' or '.join(urls)}; {CHECK_ISSUER}")


def read_token_endpoint(answer: Answer, issuer: str) -> str:
    metadata = answer.document or {}
    if metadata.get("issuer") != issuer:
        found = answer.quote("issuer") or "no issuer"
        raise ConfigurationError(
            f"{answer.url}: names {found}, not {issuer}; if you trust it, set OAUTH_ISSUER to exactly "
            "that text, including a slash at its end"
        )
    endpoint = metadata.get("token_endpoint")
    if not isinstance(endpoint, str):
        raise ConfigurationError(f"{answer.url}: has no token_endpoint; {CHECK_ISSUER}")
    fault = find_fault(endpoint)
    if fault:
        shown = make_printable(endpoint)
        raise ConfigurationError(f"{answer.url}: token_endpoint: {shown}: {fault}; {CHECK_ISSUER}")
    return endpoint


def read_issued_token(answer: Answer, config: UploaderConfig, issued_at: float) -> IssuedToken:
    """The token in the answer. Raises AccessRefused, TemporaryFailure or ConfigurationError."""
    summary = answer.summarize("error", "error_description")
    if answer.status in (400, 401, 403):
        raise AccessRefused(f"token request refused: {summary}; {find_remedy(answer, config)}")
    if answer.is_temporary_failure:
        raise TemporaryFailure(f"{answer.url}: no token for now: {summary}; run it again later")
    members = answer.document or {}
    token, token_type = members.get("access_token"), members.get("token_type")
    if answer.status != 200 or not isinstance(token, str):
        remedy = CHECK_REQUEST if answer.status == 415 else CHECK_ADDRESS
        raise ConfigurationError(
            f"{answer.url}: this is not an answer from a token endpoint: {summary}; {remedy}"
        )
    # It is case-insensitive (RFC 6749 section 5.1).
    if not isinstance(token_type, str) or token_type.casefold() != "bearer":
        raise ConfigurationError(f"{answer.url}: issued a token that is not of the type Bearer")
    return IssuedToken(value=token, issued_at=issued_at, expires_in=read_seconds(members.get("expires_in")))


def find_remedy(answer: Answer, config: UploaderConfig) -> str:
    signs = config.client_auth is ClientAuth.PRIVATE_KEY_JWT
    secret = "AUTH0_PRIVATE_KEY_FILE" if signs else "AUTH0_CLIENT_SECRET"
    remedy = REMEDIES.get(answer.quote("error"), REMEDIES[answer.status])
    return remedy.format(credentials=f"check AUTH0_CLIENT_ID and {secret}")


def read_seconds(value: object) -> float | None:
    """The issuer's `expires_in`, which some issuers write as a string; None if it is not a number."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
