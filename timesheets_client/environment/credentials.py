"""Read what the client proves itself to the issuer with: a secret, or a key that it signs with."""

from enum import StrEnum
from typing import TYPE_CHECKING

from timesheets_client.environment.variables import Variables
from timesheets_client.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

RSA_BITS_AT_LEAST = 2048
ALGORITHMS_OF_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class ClientAuth(StrEnum):
    """How the client proves who it is, by its name in OpenID Connect Core section 9."""

    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105  A method, no secret.
    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105
    PRIVATE_KEY_JWT = "private_key_jwt"


def read_client_secret(variables: Variables, client_auth: ClientAuth) -> str:
    if client_auth is not ClientAuth.PRIVATE_KEY_JWT:
        return variables.read_secret("AUTH0_CLIENT_SECRET")
    for name in ("AUTH0_CLIENT_SECRET", "AUTH0_CLIENT_SECRET_FILE"):
        if variables.is_set(name):
            variables.refuse(name, "is not used with OAUTH_CLIENT_AUTH=private_key_jwt; unset it")
    return ""


def read_private_key(variables: Variables, client_auth: ClientAuth) -> str:
    name = "AUTH0_PRIVATE_KEY_FILE"
    if client_auth is ClientAuth.PRIVATE_KEY_JWT:
        pem = variables.read_secret_file(name)
        fault = find_key_fault(pem) if pem else None
        return variables.refuse(name, fault) if fault else pem
    if variables.is_set(name):
        variables.refuse(name, "is used with OAUTH_CLIENT_AUTH=private_key_jwt only; set that or unset this")
    return ""


def find_key_fault(pem: str) -> str | None:
    """What keeps the key from being signed with, in words that follow its name, or None."""
    try:
        choose_algorithm(load_private_key(pem))
    except ConfigurationError as error:
        return str(error)
    return None


def load_private_key(pem: str) -> "PrivateKeyTypes":
    # It takes longer to import than all of the uploader, and few clients sign.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ConfigurationError(
            "the key needs a passphrase, which nobody types here; store it without"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        # What they say may quote the file.
        raise ConfigurationError("its file holds no private key in PEM") from None


def choose_algorithm(key: "PrivateKeyTypes") -> str:
    """The JWS algorithm that issuers expect of such a key (RFC 7518 section 3.1, RFC 8037)."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS_AT_LEAST:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in ALGORITHMS_OF_CURVES:
        return ALGORITHMS_OF_CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    raise ConfigurationError(
        f"must be an RSA key of at least {RSA_BITS_AT_LEAST} bits, or one of the curves P-256, P-384, P-521 "
        "or Ed25519"
    )
