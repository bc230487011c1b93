"""Ask a token endpoint for an access token, and say what its answer means."""

import math
from collections.abc import Mapping

import requests

from timesheets_client.access.client_auth import prove_identity
from timesheets_client.access.issued_tokens import IssuedToken
from timesheets_client.environment.config import AudienceParameter, TokenRequestFormat, UploaderConfig
from timesheets_client.environment.credentials import ClientAuth
from timesheets_client.errors import AccessRefused, ConfigurationError, TemporaryFailure
from timesheets_client.network.exchange import Timeouts, post
from timesheets_client.network.messages import Answer, Message, form_content, json_content

# A request for a token changes nothing, so all that is the server's own failure is tried again.
RETRIED_STATUSES = frozenset({408, 425, 429, *range(500, 600)})

CHECK_AUDIENCE = "check AUTH0_AUDIENCE, and that the issuer lets this client use that API"
CHECK_REQUEST = "check OAUTH_TOKEN_REQUEST and OAUTH_AUDIENCE_PARAMETER: this issuer may want others"
CHECK_ADDRESS = "check AUTH0_DOMAIN, or OAUTH_ISSUER and OAUTH_TOKEN_URL"
NO_EXPLANATION = "; the answer was empty, so a proxy or firewall may have sent it in the issuer's place"
# By the issuer's code; where that says too little, by the status, and for `credentials` by what they are.
REMEDIES: Mapping[str | int, str] = {
    "invalid_client": "{credentials}, and that the issuer expects them by OAUTH_CLIENT_AUTH",
    "unauthorized_client": "allow this client the grant type client_credentials at the issuer",
    "unsupported_grant_type": CHECK_REQUEST,
    "invalid_request": CHECK_REQUEST,
    "invalid_scope": "check OAUTH_SCOPE, and that the issuer grants it to this client",
    "invalid_target": CHECK_AUDIENCE,
    400: "{credentials}, and AUTH0_AUDIENCE",
    401: "{credentials}",
    403: CHECK_AUDIENCE,
}


def request_token(
    session: requests.Session, config: UploaderConfig, token_url: str, timeouts: Timeouts, now: float
) -> Answer:
    """The answer to one request by the client credentials grant (RFC 6749 section 4.4)."""
    # Made anew for each try: a signed proof is good once.
    proof = prove_identity(config, token_url, now)
    parameters = {"grant_type": "client_credentials", **proof.parameters}
    if config.audience_parameter is not AudienceParameter.NONE:
        parameters[config.audience_parameter.value] = config.audience
    if config.scope:
        parameters["scope"] = config.scope
    encode = json_content if config.token_request is TokenRequestFormat.JSON else form_content
    message = Message(url=token_url, content=encode(parameters), auth=proof.auth, secrets=proof.secrets)
    return post(session, message, timeouts)


def take_token(answer: Answer, config: UploaderConfig, issued_at: float) -> IssuedToken:
    """The token in the answer. Raises AccessRefused, TemporaryFailure or ConfigurationError without one."""
    summary = answer.summarize("error", "error_description")
    if answer.status in (400, 401, 403):
        origin = NO_EXPLANATION if answer.is_empty else ""
        raise AccessRefused(f"token request refused: {summary}; {find_remedy(answer, config)}{origin}")
    if answer.is_temporary_failure:
        raise TemporaryFailure(f"{answer.url}: no token for now: {summary}; run it again later")
    members = answer.document or {}
    token, token_type = members.get("access_token"), members.get("token_type")
    if answer.status != 200 or not isinstance(token, str):
        remedy = CHECK_REQUEST if answer.status == 415 else CHECK_ADDRESS
        raise ConfigurationError(
            f"{answer.url}: this is not an answer of a token endpoint: {summary}; {remedy}"
        )
    # Its case doesn't matter (RFC 6749 section 5.1).
    if not isinstance(token_type, str) or token_type.casefold() != "bearer":
        raise ConfigurationError(f"{answer.url}: gave a token that is not of the type Bearer")
    return IssuedToken(value=token, issued_at=issued_at, expires_in=read_seconds(members.get("expires_in")))


def find_remedy(answer: Answer, config: UploaderConfig) -> str:
    signs = config.client_auth is ClientAuth.PRIVATE_KEY_JWT
    proof = "AUTH0_PRIVATE_KEY_FILE" if signs else "AUTH0_CLIENT_SECRET"
    remedy = REMEDIES.get(answer.quote("error"), REMEDIES[answer.status])
    return remedy.format(credentials=f"check AUTH0_CLIENT_ID and {proof}")


def read_seconds(value: object) -> float | None:
    """The issuer's `expires_in`, which some write as a string; None if it is no number."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None
