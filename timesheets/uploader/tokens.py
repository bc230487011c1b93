"""Get an access token from the issuer, and refuse one that the API could not use. Verifies no signature."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
from requests.auth import AuthBase

from timesheets.uploader.config import UploaderConfig
from timesheets.uploader.errors import AccessRefused, ConfigurationError, TemporaryFailure
from timesheets.uploader.exchange import Answer, Message, Timeouts, make_printable, post_json

REQUIRED_SCOPE = "batch:upload"
JWT = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")

CHECK_CREDENTIALS = "check AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET"
CHECK_AUDIENCE = "check AUTH0_AUDIENCE, and that the issuer lets this client use that API"
# By the issuer's code; where that says too little, by its status.
REMEDIES: Mapping[str | int, str] = {
    "invalid_client": CHECK_CREDENTIALS,
    "unauthorized_client": "allow this client the grant type client_credentials at the issuer",
    "invalid_target": CHECK_AUDIENCE,
    400: "check AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET and AUTH0_AUDIENCE",
    401: CHECK_CREDENTIALS,
    403: CHECK_AUDIENCE,
}


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A token for our audience with the scope to upload, as far as its holder can see."""

    value: str = field(repr=False)
    # On one line and safe to print, since they are read from what the issuer sent.
    scopes: str


class Unauthenticated(AuthBase):
    """The credentials are in the body."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def request_access_token(
    session: requests.Session, config: UploaderConfig, timeouts: Timeouts
) -> AccessToken:
    """A new token by the client credentials grant (RFC 6749 section 4.4), in Auth0's JSON form of it.

    Raises AccessRefused, TemporaryFailure or ConfigurationError.
    """
    request = Message(
        url=config.token_url,
        document={
            "grant_type": "client_credentials",
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "audience": config.audience,
        },
        auth=Unauthenticated(),
        secret=config.client_secret,
    )
    token = take_token(post_json(session, request, timeouts), config)
    claims = read_unverified_claims(token)
    require_audience(claims, config)
    return AccessToken(value=token, scopes=require_scope(claims, config))


def take_token(answer: Answer, config: UploaderConfig) -> str:
    summary = answer.summarize("error", "error_description")
    if answer.status in (400, 401, 403):
        remedy = REMEDIES.get(answer.quote("error"), REMEDIES[answer.status])
        raise AccessRefused(f"token request refused: {summary}; {remedy}")
    if answer.is_temporary_failure:
        raise TemporaryFailure(f"{config.token_url}: no token for now: {summary}; run it again later")
    members = answer.document or {}
    token, token_type = members.get("access_token"), members.get("token_type")
    if answer.status != 200 or not isinstance(token, str):
        raise ConfigurationError(
            f"{config.token_url}: this is not an answer of a token endpoint: {summary}; "
            "check AUTH0_DOMAIN or OAUTH_TOKEN_URL"
        )
    # Its case doesn't matter (RFC 6749 section 5.1).
    if not isinstance(token_type, str) or token_type.casefold() != "bearer":
        raise ConfigurationError(f"{config.token_url}: gave a token that is not of the type Bearer")
    return token


def read_unverified_claims(token: str) -> Mapping[str, object]:
    parts = JWT.fullmatch(token)
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{parts[1]}==")) if parts else None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise ConfigurationError(
            "the issuer gave a token that is not a JWT, so it is not for the API; "
            "check that AUTH0_AUDIENCE is the API's identifier at the issuer"
        )
    return claims


def require_audience(claims: Mapping[str, object], config: UploaderConfig) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience or "no API"]
    if config.audience not in audiences:
        named = make_printable(", ".join(map(str, audiences)), config.client_secret)
        raise ConfigurationError(
            f"the issuer gave a token for {named}, not for {config.audience}; "
            "check that AUTH0_AUDIENCE is the API's identifier at the issuer"
        )


def require_scope(claims: Mapping[str, object], config: UploaderConfig) -> str:
    scopes = [*split_scopes(claims.get("scope")), *split_scopes(claims.get("scp"))]
    named = make_printable(" ".join(scopes) or "none", config.client_secret)
    if REQUIRED_SCOPE not in scopes:
        raise AccessRefused(
            f"the access token lacks the scope {REQUIRED_SCOPE}, its scopes: {named}; grant it to this "
            "client at the issuer (Auth0: the API's page, Machine to Machine Applications)"
        )
    return named


def split_scopes(claim: object) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    return [scope for scope in claim if isinstance(scope, str)] if isinstance(claim, list) else []
