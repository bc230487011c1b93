"""Find the issuer's token endpoint, request a token, and read the token or the error in the answer."""

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote_plus, urlsplit

from requests.auth import HTTPBasicAuth

from timesheets_client.access.issued_tokens import IssuedToken, is_number
from timesheets_client.environment.config import KEY_FILE, PRIVATE_KEY_JWT, UploaderConfig, choose_algorithm
from timesheets_client.errors import AccessRefused, ConfigurationError, TemporaryFailure
from timesheets_client.network.messages import Answer, Message, find_fault

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Auth0 recommends the shortest lifetime that works. Clocks differ by seconds.
ASSERTION_LIFETIME_SECONDS = 60
CHECK_ISSUER = "check OAUTH_ISSUER, or set OAUTH_TOKEN_URL"
# By the issuer's error code, else by the status.
REMEDIES: Mapping[str | int, str] = {
    "invalid_client": "{credentials}, and that the issuer expects them by OAUTH_CLIENT_AUTH",
    "unauthorized_client": "allow this client the grant type client_credentials at the issuer",
    "invalid_scope": "check OAUTH_SCOPE, and that the issuer grants it to this client",
    400: "{credentials}, AUTH0_AUDIENCE, OAUTH_TOKEN_REQUEST and OAUTH_AUDIENCE_PARAMETER",
    401: "{credentials}",
    403: "check AUTH0_AUDIENCE, and that the issuer lets this client use that API",
}


def list_metadata_urls(issuer: str) -> tuple[str, str]:
    """The URLs that OpenID Connect Discovery (section 4.1) and RFC 8414 (section 3.1) define."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
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
            break
    else:
        raise ConfigurationError(f"{issuer}: publishes no metadata at {' or '.join(urls)}; {CHECK_ISSUER}")
    if answer.document.get("issuer") != issuer:
        found = answer.quote("issuer") or "no issuer"
        raise ConfigurationError(
            f"{url}: names {found}, not {issuer}; if you trust it, set OAUTH_ISSUER to exactly that text"
        )
    endpoint = answer.document.get("token_endpoint")
    fault = find_fault(endpoint) if isinstance(endpoint, str) else "is missing"
    if fault:
        shown = answer.quote("token_endpoint")
        raise ConfigurationError(f"{url}: its token_endpoint {shown} {fault}; {CHECK_ISSUER}")
    return str(endpoint)


def make_token_request(config: UploaderConfig, token_url: str, now: float) -> Message:
    """A request with the client credentials grant (RFC 6749 section 4.4), for one attempt.

    Each attempt needs a new one, because an assertion is good for one use. `now` is in seconds since 1970.
    """
    parameters = {"grant_type": "client_credentials"}
    request = Message(url=token_url, secrets=(config.client_secret,))
    if config.client_auth == PRIVATE_KEY_JWT:
        assertion = sign_assertion(config, token_url, now)
        parameters |= {"client_id": config.client_id, "client_assertion": assertion}
        parameters["client_assertion_type"] = ASSERTION_TYPE
        request = replace(request, secrets=(assertion,))
    elif config.client_auth == "client_secret_basic":
        # RFC 6749 section 2.3.1 encodes both like form values, because a colon would end the id.
        encoded_id, encoded_secret = quote_plus(config.client_id), quote_plus(config.client_secret)
        joined = base64.b64encode(f"{encoded_id}:{encoded_secret}".encode()).decode()
        secrets = (config.client_secret, encoded_secret, joined)
        request = replace(request, auth=HTTPBasicAuth(encoded_id, encoded_secret), secrets=secrets)
    else:
        parameters |= {"client_id": config.client_id, "client_secret": config.client_secret}
    if config.audience_parameter != "none":
        parameters[config.audience_parameter] = config.audience
    if config.scope:
        parameters["scope"] = config.scope
    is_json = config.token_request == "json"  # noqa: S105  A format.
    return replace(request, json=parameters) if is_json else replace(request, data=parameters)


def sign_assertion(config: UploaderConfig, token_url: str, now: float) -> str:
    """A JWT that identifies the client, for one use within a minute (RFC 7523 section 3).

    It has no `kid`: each issuer names a client's keys in its own way, and tries all that it knows.
    """
    import jwt

    claims = {
        "iss": config.client_id,
        "sub": config.client_id,
        # Auth0 documents its issuer here. OpenID Connect Core section 9 requires the token endpoint.
        "aud": config.issuer if config.is_auth0 else token_url,
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFETIME_SECONDS,
    }
    return jwt.encode(claims, config.private_key, choose_algorithm(config.private_key))


def read_issued_token(answer: Answer, config: UploaderConfig, issued_at: float) -> IssuedToken:
    """The token in the answer. Raises AccessRefused, TemporaryFailure or ConfigurationError."""
    summary = answer.summarize("error", "error_description")
    if answer.status in (400, 401, 403):
        remedy = REMEDIES.get(answer.quote("error"), REMEDIES[answer.status])
        secret = KEY_FILE if config.client_auth == PRIVATE_KEY_JWT else "AUTH0_CLIENT_SECRET"
        remedy = remedy.format(credentials=f"check AUTH0_CLIENT_ID and {secret}")
        raise AccessRefused(f"token request refused: {summary}; {remedy}")
    if answer.is_temporary_failure:
        raise TemporaryFailure(f"{answer.url}: no token for now: {summary}; run it again later")
    members = answer.document or {}
    token, token_type = members.get("access_token"), members.get("token_type")
    if answer.status != 200 or not isinstance(token, str):
        raise ConfigurationError(
            f"{answer.url}: this is not an answer from a token endpoint: {summary}; "
            "check AUTH0_DOMAIN, or OAUTH_ISSUER, OAUTH_TOKEN_URL and OAUTH_TOKEN_REQUEST"
        )
    # It is case-insensitive (RFC 6749 section 5.1).
    if not isinstance(token_type, str) or token_type.casefold() != "bearer":
        raise ConfigurationError(f"{answer.url}: issued a token that is not of the type Bearer")
    seconds = members.get("expires_in")
    return IssuedToken(value=token, issued_at=issued_at, expires_in=seconds if is_number(seconds) else None)
