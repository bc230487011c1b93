"""Talk to the issuer as OpenID Connect's code flow does, by Authlib. Knows no web framework."""

import re
import secrets
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client

from timesheets.trust.issuer_documents import DocumentUnavailable, fetch_document
from timesheets.trust.issuers import Issuer, read_endpoint
from timesheets.trust.sign_ins import BASIC, POST, Attempt, Outcome, SignInFailed, WebClient

TOKEN_SECONDS = 5.0

# Like the issuer's own errors, which RFC 6749 defines.
WRONG_ISSUER = "wrong_issuer"
_ERROR = re.compile(r"[a-z_]{1,40}", re.ASCII)
_OUTCOMES = {
    "access_denied": Outcome.REFUSED,
    "invalid_grant": Outcome.EXPIRED,
    "invalid_client": Outcome.MISCONFIGURED,
    "unauthorized_client": Outcome.MISCONFIGURED,
    "invalid_target": Outcome.MISCONFIGURED,
}
_REMEDIES = {
    "invalid_client": ": check OAUTH_WEB_CLIENT_ID, OAUTH_WEB_CLIENT_SECRET and OAUTH_CLIENT_AUTH",
    "unauthorized_client": ": there, allow the web client the authorization code flow, and this API",
    "invalid_target": ": register AUTH0_AUDIENCE there, and check OAUTH_AUDIENCE_PARAMETER",
}


def begin_sign_in(
    client: WebClient, metadata: Mapping[str, Any], scopes: tuple[str, ...], destination: str
) -> tuple[str, Attempt]:
    """Where the browser continues at the issuer, and what it keeps. Raises DocumentUnavailable."""
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
    channel = SimpleNamespace(post=partial(_post, issuer))
    parameters = {"code": code, "code_verifier": attempt.verifier, **client.audience}
    try:
        response = OAuth2Client(channel, client.client_id, redirect_uri=client.redirect_uri).fetch_token(
            read_endpoint(metadata, "token_endpoint"), auth=_authenticate(client, metadata), **parameters
        )
    except (SignInFailed, DocumentUnavailable):
        raise
    except Exception as error:  # noqa: BLE001  If a library fails on a response, nobody is signed in.
        reason = f"the token response is unusable ({type(error).__name__})"
        raise SignInFailed(Outcome.UNAVAILABLE, reason) from None
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


def _post(
    issuer: Issuer, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth
) -> SimpleNamespace:
    """Send what Authlib sends, within the limits that hold for the issuer."""
    # The credentials are added to a copy: Authlib's headers are those of all its clients.
    url, sent, form = auth.prepare("POST", url, dict(headers), urlencode(data))
    answer = fetch_document(url, seconds=TOKEN_SECONDS, ca_file=issuer.ca_file, form=form, headers=sent)
    if "error" in answer.members:
        _fail(answer.members["error"], Outcome.UNAVAILABLE)
    return SimpleNamespace(status_code=200, json=lambda: answer.members)


def _fail(error: object, otherwise: Outcome) -> NoReturn:
    """Raise SignInFailed for an error code of the issuer."""
    name = error if isinstance(error, str) and _ERROR.fullmatch(error) else "unknown"
    reason = f"the issuer answered the error {name}{_REMEDIES.get(name, '')}"
    raise SignInFailed(_OUTCOMES.get(name, otherwise), reason, name)
