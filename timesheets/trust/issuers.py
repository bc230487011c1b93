"""Find and fetch the metadata and the keys of an issuer. Knows no web framework."""

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from timesheets.trust.issuer_documents import Document, DocumentUnavailable, fetch_document, is_trustworthy
from timesheets.trust.jwk_sets import UsableKey, read_usable_keys
from timesheets.trust.jwks import FetchedKeys, KeysUnavailable

# For the metadata and the keys together.
DEADLINE_SECONDS = 3.0
# How a client may send its secret (RFC 6749 section 2.3.1).
BASIC, POST = AUTH_METHODS = ("client_secret_basic", "client_secret_post")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """An authorization server. Without a `jwks_url`, its metadata say where its keys are."""

    url: str
    jwks_url: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True, kw_only=True)
class WebClient:
    """The client through which people sign in. `audience` is the parameter that names the API, if any.

    Without `scopes`, it requests all that the API has. Without `auth`, the issuer's metadata decide.
    """

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    audience: Mapping[str, str]
    scopes: tuple[str, ...] = ()
    auth: str = ""


def fetch_keys(issuer: Issuer, algorithms: Sequence[str]) -> FetchedKeys:
    """The issuer's usable keys, within three seconds. Raises KeysUnavailable."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    try:
        url = issuer.jwks_url or read_endpoint(_fetch_metadata(issuer, deadline).members, "jwks_uri")
        document = fetch_document(url, deadline=deadline, ca_file=issuer.ca_file)
    except DocumentUnavailable as failure:
        raise KeysUnavailable(str(failure)) from None
    results = read_usable_keys(document.members, algorithms)
    for number, result in enumerate(results, 1):
        if isinstance(result, str):
            logger.warning("Key %d of %d of the issuer is not used: it %s", number, len(results), result)
    # A key may be listed several times, once for each of its algorithms.
    keys: dict[tuple[str | None, bytes], UsableKey] = {}
    for result in results:
        if isinstance(result, UsableKey):
            known = keys.setdefault((result.key_id, result.public_bytes), result)
            known.by_algorithm.update(result.by_algorithm)
    if not keys:
        raise KeysUnavailable(f"{url} has no usable key")
    return FetchedKeys(keys=[*keys.values()], fresh_seconds=document.fresh_seconds)


_kept: dict[Issuer, tuple[float, Mapping[str, Any]]] = {}


def get_metadata(issuer: Issuer) -> Mapping[str, Any]:
    """The issuer's own metadata, kept for as long as its keys would be. Raises DocumentUnavailable."""
    stale_at, members = _kept.get(issuer, (-math.inf, {}))
    now = time.monotonic()
    if now >= stale_at:
        document = _fetch_metadata(issuer, now + DEADLINE_SECONDS)
        members = document.members
        _kept[issuer] = now + document.fresh_seconds, members
    return members


def read_endpoint(metadata: Mapping[str, Any], name: str) -> str:
    """An address in the metadata to which a secret may go. Raises DocumentUnavailable."""
    url = metadata.get(name)
    if not isinstance(url, str) or not is_trustworthy(url):
        raise DocumentUnavailable(f"the issuer's metadata name no https address as {name}")
    return url


def _fetch_metadata(issuer: Issuer, deadline: float) -> Document:
    """The issuer's own metadata. Raises DocumentUnavailable."""
    failure = None
    for url in find_metadata_urls(issuer.url):
        try:
            document = fetch_document(url, deadline=deadline, ca_file=issuer.ca_file)
        except DocumentUnavailable as error:
            failure = failure or error
            continue
        # RFC 8414 section 3.3: otherwise any server could impersonate this issuer.
        if document.members.get("issuer") != issuer.url:
            raise DocumentUnavailable(f"{url} has the metadata of another issuer")
        return document
    raise failure or DocumentUnavailable("no metadata")


def find_metadata_urls(issuer_url: str) -> Iterator[str]:
    """OpenID Connect Discovery 1.0 section 4, then RFC 8414 section 3.1."""
    parts = urlsplit(issuer_url)
    path = parts.path.rstrip("/")
    yield f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration"
    yield f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"
