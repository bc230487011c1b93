"""Prove to the issuer who the client is, in the way that it expects."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import requests
from requests.auth import AuthBase

from timesheets_client.environment.config import UploaderConfig
from timesheets_client.environment.credentials import ClientAuth, choose_algorithm, load_private_key
from timesheets_client.network.messages import Unauthenticated

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Auth0 recommends the shortest that works; clocks differ by seconds.
ASSERTION_LIFE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """What a token request carries in its body and its Authorization header, and the secrets in them."""

    parameters: Mapping[str, str] = field(repr=False)
    auth: AuthBase = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class ClientSecretBasic(AuthBase):
    def __init__(self, credentials: str) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Basic {self._credentials}"
        return request


def prove_identity(config: UploaderConfig, token_url: str, now: float) -> ClientCredentials:
    """A proof for one request to `token_url`; `now` is in seconds since 1970."""
    match config.client_auth:
        case ClientAuth.CLIENT_SECRET_POST:
            return prove_by_secret_in_body(config)
        case ClientAuth.CLIENT_SECRET_BASIC:
            return prove_by_secret_in_header(config)
        case ClientAuth.PRIVATE_KEY_JWT:
            return prove_by_signature(config, token_url, now)


def prove_by_secret_in_body(config: UploaderConfig) -> ClientCredentials:
    return ClientCredentials(
        parameters={"client_id": config.client_id, "client_secret": config.client_secret},
        auth=Unauthenticated(),
        secrets=(config.client_secret,),
    )


def prove_by_secret_in_header(config: UploaderConfig) -> ClientCredentials:
    # Both are encoded like a form's values first (RFC 6749 section 2.3.1), or a colon would end the id.
    encoded_secret = quote_plus(config.client_secret)
    pair = f"{quote_plus(config.client_id)}:{encoded_secret}"
    credentials = base64.b64encode(pair.encode()).decode()
    return ClientCredentials(
        parameters={},
        auth=ClientSecretBasic(credentials),
        secrets=(config.client_secret, encoded_secret, credentials),
    )


def prove_by_signature(config: UploaderConfig, token_url: str, now: float) -> ClientCredentials:
    assertion = sign_assertion(config, token_url, now)
    return ClientCredentials(
        parameters={
            "client_id": config.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        },
        auth=Unauthenticated(),
        secrets=(assertion,),
    )


def sign_assertion(config: UploaderConfig, token_url: str, now: float) -> str:
    """A JWT that says who the client is, good once and for a minute (RFC 7523 section 3).

    It names no key: the issuer tries those that it knows of this client, and each gives its own names.
    """
    import jwt

    key = load_private_key(config.private_key)
    claims = {
        "iss": config.client_id,
        "sub": config.client_id,
        # Auth0 documents its issuer; others expect the token endpoint, as OpenID Connect Core section 9 says.
        "aud": config.issuer if config.is_auth0 else token_url,
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFE_SECONDS,
    }
    return jwt.encode(claims, key, choose_algorithm(key))  # type: ignore[arg-type]
