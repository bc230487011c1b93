"""Authenticate the client to the issuer, by the configured method."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from requests.auth import AuthBase, HTTPBasicAuth

from timesheets_client.environment.config import UploaderConfig
from timesheets_client.environment.credentials import ClientAuth, choose_algorithm, load_private_key
from timesheets_client.network.messages import Unauthenticated

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Auth0 recommends the shortest lifetime that works. Clocks differ by seconds.
ASSERTION_LIFETIME_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """The parameters and the Authorization header that authenticate a request, and the secrets in them."""

    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: AuthBase = field(default_factory=Unauthenticated, repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def make_credentials(config: UploaderConfig, token_url: str, now: float) -> ClientCredentials:
    """Credentials for one request to `token_url`; `now` is in seconds since 1970."""
    match config.client_auth:
        case ClientAuth.CLIENT_SECRET_POST:
            return ClientCredentials(
                parameters={"client_id": config.client_id, "client_secret": config.client_secret},
                secrets=(config.client_secret,),
            )
        case ClientAuth.CLIENT_SECRET_BASIC:
            return make_basic_credentials(config.client_id, config.client_secret)
        case ClientAuth.PRIVATE_KEY_JWT:
            assertion = sign_assertion(config, token_url, now)
            return ClientCredentials(
                parameters={
                    "client_id": config.client_id,
                    "client_assertion_type": ASSERTION_TYPE,
                    "client_assertion": assertion,
                },
                secrets=(assertion,),
            )


def make_basic_credentials(client_id: str, secret: str) -> ClientCredentials:
    # RFC 6749 section 2.3.1 encodes both like form values, because a colon would end the id.
    encoded_id, encoded_secret = quote_plus(client_id), quote_plus(secret)
    joined = base64.b64encode(f"{encoded_id}:{encoded_secret}".encode()).decode()
    return ClientCredentials(
        auth=HTTPBasicAuth(encoded_id, encoded_secret), secrets=(secret, encoded_secret, joined)
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
