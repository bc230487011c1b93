"""Read the client's credentials: a secret, or a private key to sign with."""

from enum import StrEnum
from typing import TYPE_CHECKING

from timesheets_client.environment.variables import Variables
from timesheets_client.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

MIN_RSA_BITS = 2048
ALGORITHMS_OF_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class ClientAuth(StrEnum):
    """A method to authenticate, in the terms of OpenID Connect Core section 9."""

    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105  A method, not a secret.
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
        if not pem:
            return ""
        try:
            choose_algorithm(load_private_key(pem))
        except ConfigurationError as error:
            return variables.refuse(name, str(error))
        return pem
    if variables.is_set(name):
        variables.refuse(name, "is used with OAUTH_CLIENT_AUTH=private_key_jwt only; set that or unset this")
    return ""


def load_private_key(pem: str) -> "PrivateKeyTypes":
    """Return the key, or raise ConfigurationError with a text that follows the variable's name."""
    # Importing it takes longer than importing all of the client, and few clients sign.
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ConfigurationError("signing needs the extra timesheets-client[private-key-jwt]") from None

    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ConfigurationError("the key needs a passphrase; store it without one") from None
    except (ValueError, UnsupportedAlgorithm):
        # Not chained, because these errors may quote the file.
        raise ConfigurationError("its file contains no private key in PEM") from None


def choose_algorithm(key: "PrivateKeyTypes") -> str:
    """The JWS algorithm for the key (RFC 7518 section 3.1, RFC 8037). Raises like `load_private_key`."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in ALGORITHMS_OF_CURVES:
        return ALGORITHMS_OF_CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    raise ConfigurationError(
        f"must be an RSA key of at least {MIN_RSA_BITS} bits, or on the curve P-256, P-384, P-521 or Ed25519"
    )
