"""Which keys of a JWK Set (RFC 7517) verify access tokens. Knows no network."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192

# The members of private keys (RFC 7518 section 6). Anyone who reads them can sign.
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

# The algorithms of RFC 7518 section 3.1 and RFC 8037, by key type and curve.
_ALGORITHMS_OF_KIND: Mapping[tuple[str, str | None], frozenset[str]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}
ASYMMETRIC_ALGORITHMS = frozenset().union(*_ALGORITHMS_OF_KIND.values())


@dataclass(frozen=True, kw_only=True)
class UsableKey:
    """A public key with its `kid`, loaded for each algorithm that it may be used with."""

    key_id: str | None
    by_algorithm: dict[str, jwt.PyJWK]
    public_bytes: bytes


def read_usable_keys(members: Mapping[str, Any], algorithms: Sequence[str]) -> list[UsableKey | str]:
    """Each key of a JWK Set in order, or why it cannot verify our tokens, such as "is malformed"."""
    listed = members.get("keys")
    results = [_read_key(jwk, algorithms) for jwk in (listed if isinstance(listed, list) else [])]
    under_kid: dict[str | None, set[bytes]] = defaultdict(set)
    for result in results:
        if isinstance(result, UsableKey) and result.key_id is not None:
            under_kid[result.key_id].add(result.public_bytes)
    # Use neither of two different keys with one `kid`, because either may be the right one.
    return [
        "shares its kid with a different key"
        if isinstance(result, UsableKey) and len(under_kid[result.key_id]) > 1
        else result
        for result in results
    ]


def _read_key(jwk: Any, algorithms: Sequence[str]) -> UsableKey | str:
    if flaw := _find_flaw(jwk):
        return flaw
    curve = None if jwk.get("kty") == "RSA" else str(jwk.get("crv"))
    of_kind = _ALGORITHMS_OF_KIND.get((str(jwk.get("kty")), curve), frozenset())
    usable = [name for name in algorithms if name in of_kind and jwk.get("alg", name) == name]
    if not usable:
        return f"is for none of {', '.join(algorithms)}"
    try:
        by_algorithm = {name: jwt.PyJWK(jwk, name) for name in usable}
        key = by_algorithm[usable[0]].key
        public_bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception:  # noqa: BLE001  If a library fails on a key, the key is not used.
        return "is malformed"
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return f"has {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}"
    return UsableKey(key_id=jwk.get("kid"), by_algorithm=by_algorithm, public_bytes=public_bytes)


def _find_flaw(jwk: object) -> str:
    if not isinstance(jwk, dict):
        return "is not a JSON object"
    if not isinstance(jwk.get("kid"), str | None):
        return "has a kid that is not a string"
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        return "is private or symmetric, and the issuer has published it"
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return "is not for signatures"
    return ""
