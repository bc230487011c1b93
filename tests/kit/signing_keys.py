"""Key pairs for tests, with which an issuer signs and which it publishes."""

import functools
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

_CURVES: dict[str, type[Any]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@functools.cache
def _generate_private_key(kind: str, bits: int, name: str) -> Any:
    """A private key that is cached for the whole test run, since generating one is slow."""
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class SigningKey:
    """A key pair with a `kid`. Keys with the same `pair`, by default the `kid`, have the same key pair."""

    key_id: str
    algorithm: str = "RS256"
    pair: str = ""
    bits: int = 2048

    @property
    def private_key(self) -> Any:
        kind = "RSA" if self.algorithm[:2] in ("RS", "PS") else self.algorithm
        return _generate_private_key(kind, self.bits, self.pair or self.key_id)

    def to_jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key, with members added or changed, or left out if None."""
        public = self._write(self.private_key.public_key())
        named = {"kid": self.key_id, "use": "sig", "alg": self.algorithm, "key_ops": None}
        return {name: value for name, value in {**public, **named, **changes}.items() if value is not None}

    def to_private_jwk(self) -> dict[str, Any]:
        """The private key, which no issuer should ever publish."""
        return {**self._write(self.private_key), **self.to_jwk(), "key_ops": ["verify"]}

    def _write(self, key: Any) -> dict[str, Any]:
        return jwt.get_algorithm_by_name(self.algorithm).to_jwk(key, as_dict=True)
