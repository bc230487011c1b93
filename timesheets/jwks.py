"""The issuer's public keys: fetched when first needed, then kept. Knows no web framework."""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import jwt
import requests

MAX_DOCUMENT_BYTES = 64 * 1024
TIMEOUT_SECONDS = 3.0


class KeyUnknown(Exception):
    """The issuer has no usable key by this id."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had, so nothing can be said about the token."""


class KeySource(Protocol):
    """Where the keys come from."""

    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key to verify `algorithm` with. Raises KeyUnknown or KeysUnavailable."""


class IssuerKeys:
    """The keys of the JWK Set at `url` (RFC 7517 section 5), fetched once a process."""

    def __init__(self, url: str, algorithms: Sequence[str]) -> None:
        self._url = url
        self._algorithms = tuple(algorithms)
        self._lock = threading.Lock()
        self._keys: Mapping[tuple[str | None, str], jwt.PyJWK] = {}

    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        keys = self._keys or self._fetch_once()
        if key_id is not None:
            key = keys.get((key_id, algorithm))
        else:
            candidates = [key for (_, name), key in keys.items() if name == algorithm]
            key = candidates[0] if len(candidates) == 1 else None
        if key is None:
            raise KeyUnknown
        return key

    def _fetch_once(self) -> Mapping[tuple[str | None, str], jwt.PyJWK]:
        with self._lock:
            if not self._keys:
                self._keys = _read_keys(_fetch_document(self._url), self._algorithms)
            return self._keys


def _fetch_document(url: str) -> bytes:
    try:
        with requests.Session() as session:
            # No proxy, and no password of a .netrc.
            session.trust_env = False
            with session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
                document = response.raw.read(MAX_DOCUMENT_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError, ValueError) as error:
        raise KeysUnavailable(f"{url} cannot be fetched: {type(error).__name__}") from error
    if response.status_code != requests.codes.ok:
        raise KeysUnavailable(f"{url} answered {response.status_code}")
    if len(document) > MAX_DOCUMENT_BYTES:
        raise KeysUnavailable(f"{url} sent more than {MAX_DOCUMENT_BYTES} bytes")
    return bytes(document)


def _read_keys(document: bytes, algorithms: Sequence[str]) -> Mapping[tuple[str | None, str], jwt.PyJWK]:
    try:
        members = json.loads(document)["keys"]
        found = [_read_key(member, algorithms) for member in members if isinstance(member, dict)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeysUnavailable(f"not a JWK Set: {type(error).__name__}") from error
    keys = {(key.key_id, key.algorithm_name): key for key in found if key is not None}
    if not keys:
        raise KeysUnavailable("the JWK Set has no usable key")
    return keys


def _read_key(member: dict[str, Any], algorithms: Sequence[str]) -> jwt.PyJWK | None:
    if member.get("use", "sig") != "sig" or "d" in member:
        return None
    try:
        key = jwt.PyJWK(member)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in algorithms else None
