"""The development issuer's RSA key pair: made on first use, kept over restarts. Knows no token."""

import base64
import contextlib
import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_SIZE_BITS = 2048
PUBLIC_EXPONENT = 65537


class KeyFileUnusable(Exception):
    """The key file can't be read or made; the message names the file and what to do."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A private key, and the public key as the issuer publishes it."""

    private_key: rsa.RSAPrivateKey

    @property
    def public_jwk(self) -> dict[str, str]:
        return make_jwk(self.private_key.public_key())

    @property
    def kid(self) -> str:
        return self.public_jwk["kid"]


def make_jwk(public_key: rsa.RSAPublicKey) -> dict[str, str]:
    """The key as a JSON Web Key (RFC 7517 section 4), named by its thumbprint (RFC 7638)."""
    numbers = public_key.public_numbers()
    required = {"kty": "RSA", "n": _base64url_number(numbers.n), "e": _base64url_number(numbers.e)}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    thumbprint = _base64url(hashlib.sha256(canonical.encode()).digest())
    return {**required, "use": "sig", "alg": "RS256", "kid": thumbprint}


def obtain_signing_key(path: Path) -> SigningKey:
    """The key in the file at `path`, which is made first if there is none.

    Whoever makes it at the same moment ends with the same key. A file that others can read is
    taken from them (0600). Raises KeyFileUnusable.
    """
    try:
        if not path.exists():
            _create_key_file(path)
        _keep_from_others(path)
        pem = path.read_bytes()
    except OSError as error:
        raise KeyFileUnusable(f"{path}: the development issuer cannot keep its key here: {error}") from error
    return SigningKey(private_key=_parse_private_key(pem, path))


def _create_key_file(path: Path) -> None:
    """Write a new key beside `path`, whole and 0600, and give it that name unless another took it."""
    descriptor, temporary_name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_make_private_key_pem())
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces the file of somebody who was quicker.
        with contextlib.suppress(FileExistsError):
            os.link(temporary_name, path)
    finally:
        Path(temporary_name).unlink()


def _make_private_key_pem() -> bytes:
    return rsa.generate_private_key(PUBLIC_EXPONENT, KEY_SIZE_BITS).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _keep_from_others(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        path.chmod(0o600)


def _parse_private_key(pem: bytes, path: Path) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        # ValueError: no key, or a damaged one; TypeError: one that is locked with a password.
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_SIZE_BITS:
        raise KeyFileUnusable(
            f"{path}: not a private RSA key of {KEY_SIZE_BITS} bits or more. "
            "Delete the file; the next request makes a new key."
        )
    return key


def _base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _base64url_number(number: int) -> str:
    """An unsigned big-endian integer in as few octets as it needs (RFC 7518 section 2)."""
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))
