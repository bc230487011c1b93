"""The development issuer's RSA key pair: created on first use, kept across restarts."""

import hashlib
import threading
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_lock = threading.Lock()


def describe_public_key(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """Return the public half as a JSON Web Key (RFC 7517 section 4). Another key has another `kid`."""
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    kid = hashlib.sha256(jwk["n"].encode()).hexdigest()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": jwk["n"], "e": jwk["e"]}


def obtain_signing_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the key in the file at `path`, which only its owner can read. Create it if it does not exist."""
    with _lock:
        if not path.exists():
            pem = rsa.generate_private_key(65537, 2048).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.touch(0o600)
            path.write_bytes(pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} has no RSA key. Delete it; the next request creates one.")
    return key
