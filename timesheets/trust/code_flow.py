"""Talk to the issuer as OpenID Connect's code flow does, by Authlib. Knows no web framework."""

import enum
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from timesheets.trust.issuer_documents import fetch_document
from timesheets.trust.issuers import BASIC, POST, Issuer, WebClient, read_endpoint

TOKEN_SECONDS = 5.0


class Outcome(enum.Enum):
    """A reason why a sign-in failed, with the status of the page that says so."""

    EXPIRED = HTTPStatus.BAD_REQUEST
    REFUSED = HTTPStatus.FORBIDDEN
    MISCONFIGURED = HTTPStatus.INTERNAL_SERVER_ERROR
    UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


class SignInFailed(Exception):
    """The sign-in failed. The message is for logs, without secrets. `error` is a code of the issuer."""

    def __init__(self, outcome: Outcome, reason: str, error: str = "") -> None:
        super().__init__(reason)
        self.outcome, self.error = outcome, error


@dataclass(frozen=True)
class Attempt:
    """A sign-in in progress, kept by the browser, and where the person wanted to go."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    destination: str


# Like the issuer's own errors, which RFC 6749 defines.
WRONG_ISSUER = "wrong_issuer"
_ERROR = re.compile(r"[a-z_]{1,40}", re.ASCII)
_REMEDIES = {
    "invalid_client": ": check OAUTH_WEB_CLIENT_ID, OAUTH_WEB_CLIENT_SECRET and OAUTH_CLIENT_AUTH",
    "unauthorized_client": ": there, allow the web client the authorization code flow, and this API",
    "invalid_target": ": register AUTH0_AUDIENCE there, and check OAUTH_AUDIENCE_PARAMETER",
}
_OUTCOMES = {
    "access_denied": Outcome.REFUSED,
    "invalid_grant": Outcome.EXPIRED,
    **dict.fromkeys(_REMEDIES, Outcome.MISCONFIGURED),
}


def begin_sign_in(
    client: WebClient, metadata: Mapping[str, Any], scopes: tuple[str, ...], destination: str
) -> tuple[str, Attempt]:
    """Return the issuer's address and the attempt for the browser to keep. Raises DocumentUnavailable."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    oauth = OAuth2Client(None, client.client_id, code_challenge_method="S256")
    url, _ = oauth.create_authorization_url(
        read_endpoint(metadata, "authorization_endpoint"),
        state,
        verifier,
        nonce=nonce,
        redirect_uri=client.redirect_uri,
        scope=["openid", "profile", "email", *scopes],
        **client.audience,
    )
    return url, Attempt(state, nonce, verifier, destination)


def read_code(parameters: Mapping[str, str], issuer: Issuer, metadata: Mapping[str, Any]) -> str:
    """The code with which the issuer sent the browser back. Raises SignInFailed."""
    # RFC 9207: no other issuer's code is sent to this one.
    promises_name = metadata.get("authorization_response_iss_parameter_supported") is True
    if ("iss" in parameters or promises_name) and parameters.get("iss") != issuer.url:
        raise SignInFailed(Outcome.EXPIRED, "iss does not name the configured issuer", WRONG_ISSUER)
    if "error" in parameters:
        _fail(parameters["error"], Outcome.REFUSED)
    if not parameters.get("code"):
        raise SignInFailed(Outcome.UNAVAILABLE, "the issuer sent neither a code nor an error")
    return parameters["code"]


def redeem_code(
    code: str, attempt: Attempt, client: WebClient, issuer: Issuer, metadata: Mapping[str, Any]
) -> tuple[str, str]:
    """The ID token and the access token, unverified. Raises SignInFailed or DocumentUnavailable."""
    parameters = {"code": code, "code_verifier": attempt.verifier, **client.audience}
    form = prepare_token_request("authorization_code", "", client.redirect_uri, **parameters)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url, headers, form = _authenticate(client, metadata).prepare(
        "POST", read_endpoint(metadata, "token_endpoint"), headers, form
    )
    deadline = time.monotonic() + TOKEN_SECONDS
    answer = fetch_document(url, deadline=deadline, ca_file=issuer.ca_file, form=form, headers=headers)
    response = answer.members
    if "error" in response:
        _fail(response["error"], Outcome.UNAVAILABLE)
    id_token, access_token = response.get("id_token"), response.get("access_token")
    is_bearer = str(response.get("token_type")).lower() == "bearer"
    if not is_bearer or not isinstance(id_token, str) or not isinstance(access_token, str):
        raise SignInFailed(Outcome.UNAVAILABLE, "the token response lacks a token, or the type Bearer")
    return id_token, access_token


def _authenticate(client: WebClient, metadata: Mapping[str, Any]) -> ClientAuth:
    supported = metadata.get("token_endpoint_auth_methods_supported")
    knows_only_post = isinstance(supported, list) and POST in supported and BASIC not in supported
    if (client.auth or (POST if knows_only_post else BASIC)) == POST:
        return ClientAuth(client.client_id, client.secret, POST)
    # RFC 6749 section 2.3.1 encodes both like form values. Authlib does not.
    return ClientAuth(quote_plus(client.client_id), quote_plus(client.secret), BASIC)


def _fail(error: object, otherwise: Outcome) -> NoReturn:
    """Raise SignInFailed for an error code of the issuer."""
    name = error if isinstance(error, str) and _ERROR.fullmatch(error) else "unknown"
    reason = f"the issuer answered the error {name}{_REMEDIES.get(name, '')}"
    raise SignInFailed(_OUTCOMES.get(name, otherwise), reason, name)
