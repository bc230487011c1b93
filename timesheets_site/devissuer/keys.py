"""The development issuer's RSA key pair: created on first use, kept across restarts."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


def describe_public_key(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """Return the public half as a JSON Web Key (RFC 7517 section 4). Another key has another `kid`."""
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    kid = hashlib.sha256(jwk["n"].encode()).hexdigest()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": jwk["n"], "e": jwk["e"]}


def obtain_signing_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the key in the file at `path`, which only its owner can read. Create it if it does not exist.

    Threads that create it at the same time end up with the same key. Raises ValueError if the file is
    damaged: delete it, and the next request creates a new key.
    """
    if not path.exists():
        _create_key_file(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{path} has no RSA key. Delete it; the next request creates one.")
    return key


def _create_key_file(path: Path) -> None:
    """Write a complete new key next to `path`, then give it that name unless another thread did so first."""
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Its mode is 0600.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as file:
        file.write(pem)
        file.flush()
        # Unlike a rename, a link never replaces an existing file.
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
