"""Write a token request, which authenticates the client by the configured method."""

import base64
import uuid
from urllib.parse import quote_plus

from requests.auth import AuthBase, HTTPBasicAuth

from timesheets_client.environment.config import AudienceParameter, TokenRequestFormat, UploaderConfig
from timesheets_client.environment.credentials import ClientAuth, choose_algorithm, load_private_key
from timesheets_client.network.messages import Message, Unauthenticated

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Auth0 recommends the shortest lifetime that works. Clocks differ by seconds.
ASSERTION_LIFETIME_SECONDS = 60


def make_token_request(config: UploaderConfig, token_url: str, now: float) -> Message:
    """A request with the client credentials grant (RFC 6749 section 4.4), for one attempt.

    Each attempt needs a new one, because an assertion is good for one use. `now` is in seconds since 1970.
    """
    parameters = {"grant_type": "client_credentials"}
    auth: AuthBase = Unauthenticated()
    secrets: tuple[str, ...] = (config.client_secret,)
    match config.client_auth:
        case ClientAuth.CLIENT_SECRET_POST:
            parameters |= {"client_id": config.client_id, "client_secret": config.client_secret}
        case ClientAuth.CLIENT_SECRET_BASIC:
            # RFC 6749 section 2.3.1 encodes both like form values, because a colon would end the id.
            encoded_id, encoded_secret = quote_plus(config.client_id), quote_plus(config.client_secret)
            auth = HTTPBasicAuth(encoded_id, encoded_secret)
            joined = base64.b64encode(f"{encoded_id}:{encoded_secret}".encode()).decode()
            secrets = (config.client_secret, encoded_secret, joined)
        case ClientAuth.PRIVATE_KEY_JWT:
            assertion = sign_assertion(config, token_url, now)
            parameters |= {"client_id": config.client_id, "client_assertion": assertion}
            parameters["client_assertion_type"] = ASSERTION_TYPE
            secrets = (assertion,)
    if config.audience_parameter is not AudienceParameter.NONE:
        parameters[config.audience_parameter.value] = config.audience
    if config.scope:
        parameters["scope"] = config.scope
    is_json = config.token_request is TokenRequestFormat.JSON
    return Message(
        url=token_url,
        json=parameters if is_json else None,
        data=b"" if is_json else parameters,
        auth=auth,
        secrets=secrets,
    )


def sign_assertion(config: UploaderConfig, token_url: str, now: float) -> str:
    """A JWT that identifies the client, for one use within a minute (RFC 7523 section 3).

    It has no `kid`: each issuer names a client's keys in its own way, and tries all that it knows.
    """
    import jwt

    key = load_private_key(config.private_key)
    claims = {
        "iss": config.client_id,
        "sub": config.client_id,
        # Auth0 documents its issuer here. OpenID Connect Core section 9 requires the token endpoint.
        "aud": config.issuer if config.is_auth0 else token_url,
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFETIME_SECONDS,
    }
    return jwt.encode(claims, key, choose_algorithm(key))  # type: ignore[arg-type]
