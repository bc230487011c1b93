"""The development issuer's RSA key pair: created on first use, kept across restarts."""

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY_SIZE_BITS = 2048


class KeyFileUnusable(Exception):
    """The key file cannot be read or created. The message names the file and what to do."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    private_key: rsa.RSAPrivateKey

    @property
    def public_jwk(self) -> dict[str, Any]:
        return make_jwk(self.private_key.public_key())

    @property
    def kid(self) -> str:
        return str(self.public_jwk["kid"])


def make_jwk(public_key: rsa.RSAPublicKey) -> dict[str, Any]:
    """Return the key as a JSON Web Key (RFC 7517 section 4). Its `kid` is its thumbprint (RFC 7638)."""
    jwk = RSAAlgorithm.to_jwk(public_key, as_dict=True)
    required = {name: jwk[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest()
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {**required, "use": "sig", "alg": "RS256", "kid": thumbprint}


def obtain_signing_key(path: Path) -> SigningKey:
    """Return the key in the file at `path`, which only its owner can read. Create it if it does not exist.

    Processes that create it at the same time end up with the same key. Raises KeyFileUnusable.
    """
    try:
        if not path.exists():
            _create_key_file(path)
        path.chmod(0o600)
        pem = path.read_bytes()
    except OSError as error:
        raise KeyFileUnusable(f"{path}: the development issuer cannot store its key here: {error}") from error
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        # ValueError: not a key, or a damaged one. TypeError: a key that is encrypted with a password.
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_SIZE_BITS:
        raise KeyFileUnusable(
            f"{path}: not a private RSA key of {KEY_SIZE_BITS} bits or more. "
            "Delete the file; the next request creates a new key."
        )
    return SigningKey(private_key=key)


def _create_key_file(path: Path) -> None:
    """Write a complete new key next to `path`, then give it that name unless another process did so first."""
    pem = rsa.generate_private_key(65537, KEY_SIZE_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as file:
        file.write(pem)
        file.flush()
        # Unlike a rename, a link never replaces an existing file.
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
