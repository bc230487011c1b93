"""Which keys of a JWK Set (RFC 7517) verify access tokens. Knows no network."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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


class KeyUnusable(Exception):
    """This key cannot verify our tokens. The message is a predicate, such as "is malformed"."""


@dataclass(frozen=True, kw_only=True)
class UsableKey:
    """A public key with its `kid`, loaded for each algorithm that it may be used with."""

    key_id: str | None
    by_algorithm: Mapping[str, jwt.PyJWK]
    description: str


def read_usable_keys(members: Mapping[str, Any], algorithms: Sequence[str]) -> list[UsableKey | KeyUnusable]:
    """Each key of a JWK Set in order, or why it is unusable. Raises KeyUnusable for the set itself."""
    listed = members.get("keys")
    if not isinstance(listed, list):
        raise KeyUnusable('is missing: "keys" is not a list')
    return _drop_contradictions([_try_key(jwk, algorithms) for jwk in listed])


def _try_key(jwk: object, algorithms: Sequence[str]) -> UsableKey | KeyUnusable:
    try:
        return _read_key(jwk, algorithms)
    except KeyUnusable as reason:
        return reason


def _read_key(jwk: object, algorithms: Sequence[str]) -> UsableKey:
    if not isinstance(jwk, dict):
        raise KeyUnusable("is not a JSON object")
    key_id, kind, curve = (jwk.get(name) for name in ("kid", "kty", "crv"))
    if not isinstance(key_id, str | None):
        raise KeyUnusable("has a kid that is not a string")
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise KeyUnusable("is private or symmetric, and the issuer has published it")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise KeyUnusable("is not for signatures")
    usable = [name for name in algorithms if name in _find_algorithms(jwk, kind, curve)]
    if not usable:
        raise KeyUnusable(f"is for none of {', '.join(algorithms)}")
    by_algorithm = {name: _load_key(jwk, name) for name in usable}
    description = _describe(next(iter(by_algorithm.values())).key, kind, curve)
    return UsableKey(key_id=key_id, by_algorithm=by_algorithm, description=description)


def _find_algorithms(jwk: Mapping[str, Any], kind: object, curve: object) -> frozenset[str]:
    of_kind = _ALGORITHMS_OF_KIND.get((str(kind), None if kind == "RSA" else str(curve)), frozenset())
    return of_kind & {str(jwk["alg"])} if "alg" in jwk else of_kind


def _load_key(jwk: dict[str, Any], algorithm: str) -> jwt.PyJWK:
    try:
        return jwt.PyJWK(jwk, algorithm)
    except Exception:  # noqa: BLE001  If a library fails on a key, the key is not used.
        raise KeyUnusable("is malformed") from None


def _describe(key: object, kind: object, curve: object) -> str:
    if not isinstance(key, RSAPublicKey):
        return f"{kind} {curve}"
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise KeyUnusable(f"has {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    return f"RSA {key.key_size} bits"


def _drop_contradictions(results: list[UsableKey | KeyUnusable]) -> list[UsableKey | KeyUnusable]:
    """Use neither of two different keys with one `kid`, because either may be the right one."""
    materials: dict[str | None, set[object]] = defaultdict(set)
    for result in results:
        if isinstance(result, UsableKey) and result.key_id is not None:
            materials[result.key_id].add(_identify(result))
    return [
        KeyUnusable("shares its kid with a different key")
        if isinstance(result, UsableKey) and len(materials[result.key_id]) > 1
        else result
        for result in results
    ]


def _identify(key: UsableKey) -> object:
    key_itself = next(iter(key.by_algorithm.values())).key
    return key_itself.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def merge_same_keys(keys: Iterable[UsableKey]) -> list[UsableKey]:
    """Merge a key that is listed several times, for example once for each of its algorithms."""
    merged: dict[object, UsableKey] = {}
    for key in keys:
        known = merged.setdefault((key.key_id, _identify(key)), key)
        if known is not key:
            by_algorithm = {**key.by_algorithm, **known.by_algorithm}
            merged[key.key_id, _identify(key)] = replace(known, by_algorithm=by_algorithm)
    return list(merged.values())
