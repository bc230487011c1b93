"""Variables that configure the client, and configurations built without variables."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from tests.client.conftest import SIGNING_KEY
from timesheets_client.environment.config import UploaderConfig, load_config
from timesheets_client.errors import ConfigurationError

SECRET = "s3cret-of-payroll"
COMPLETE = {
    "AUTH0_DOMAIN": "example.eu.auth0.com",
    "AUTH0_AUDIENCE": "https://timesheets.example.com",
    "AUTH0_CLIENT_ID": "payroll",
    "AUTH0_CLIENT_SECRET": SECRET,
    "TIMESHEETS_API_URL": "https://timesheets.example.com",
}
DEVELOPMENT = {
    "OAUTH_TOKEN_URL": "http://127.0.0.1:8000/oauth/token",
    "AUTH0_AUDIENCE": "https://timesheets.example.com",
    "AUTH0_CLIENT_ID": "payroll",
    "AUTH0_CLIENT_SECRET": "development-secret",
    "TIMESHEETS_API_URL": "http://127.0.0.1:8000",
}
# The keys that a client can sign with, by the algorithm of each.
KEYS: dict[str, PrivateKeyTypes] = {
    "RS256": SIGNING_KEY,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def write_pem(
    key: PrivateKeyTypes = SIGNING_KEY,
    encryption: KeySerializationEncryption = NoEncryption(),  # noqa: B008  It has no state.
) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def load(**changes: str) -> UploaderConfig:
    return load_config(COMPLETE | changes, DEVELOPMENT)


def problems_of(environment: dict[str, str]) -> list[str]:
    """The variables that the error names, line by line."""
    with pytest.raises(ConfigurationError) as caught:
        load_config(environment, DEVELOPMENT)
    assert SECRET not in str(caught.value)
    return [line.strip().partition(": ")[0] for line in str(caught.value).splitlines()[1:]]


def make_config(**changes: Any) -> UploaderConfig:
    """The client `payroll` of an Auth0 tenant, as AUTH0_DOMAIN configures it."""
    members: dict[str, Any] = {
        "upload_url": "https://timesheets.example.com/timesheets/upload",
        "state_dir": Path("/nonexistent"),
        "is_auth0": True,
        "issuer": "https://example.eu.auth0.com/",
        "token_url": "https://example.eu.auth0.com/oauth/token",
        "token_request": "json",
        "audience": "https://timesheets.example.com",
        "client_id": "payroll",
        "client_secret": SECRET,
    }
    return UploaderConfig(**(members | changes))
