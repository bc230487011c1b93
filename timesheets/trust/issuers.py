"""Find and fetch the metadata and the keys of an issuer. Knows no web framework."""

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from timesheets.trust.issuer_documents import Document, DocumentUnavailable, fetch_document, is_trustworthy
from timesheets.trust.jwk_sets import KeyUnusable, UsableKey, merge_same_keys, read_usable_keys
from timesheets.trust.jwks import FetchedKeys, KeysUnavailable, choose_time_to_live

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
        url = issuer.jwks_url or _find_jwks_url(issuer, deadline)
        document = fetch_by_deadline(url, issuer, deadline)
        results = read_usable_keys(document.members, algorithms)
    except DocumentUnavailable as failure:
        raise KeysUnavailable(str(failure)) from None
    except KeyUnusable as reason:
        raise KeysUnavailable(f"the JWK Set {reason}") from None
    keys = merge_same_keys(result for result in results if isinstance(result, UsableKey))
    for number, result in enumerate(results, 1):
        if isinstance(result, KeyUnusable):
            logger.warning("Key %d of %d of the issuer is not used: it %s", number, len(results), result)
    if not keys:
        raise KeysUnavailable(f"{url} has no usable key")
    return FetchedKeys(keys=keys, max_age_seconds=document.max_age_seconds)


def _find_jwks_url(issuer: Issuer, deadline: float) -> str:
    """Return the address of the keys in the issuer's metadata. Raises DocumentUnavailable."""
    url, document = _fetch_metadata(issuer, deadline)
    if not isinstance(document.members.get("jwks_uri"), str):
        raise DocumentUnavailable(f"{url} has no jwks_uri")
    return str(document.members["jwks_uri"])


_kept: dict[Issuer, tuple[float, Mapping[str, Any]]] = {}


def get_metadata(issuer: Issuer) -> Mapping[str, Any]:
    """The issuer's own metadata, kept for as long as its keys would be. Raises DocumentUnavailable."""
    stale_at, members = _kept.get(issuer, (-math.inf, {}))
    now = time.monotonic()
    if now >= stale_at:
        _, document = _fetch_metadata(issuer, now + DEADLINE_SECONDS)
        members = document.members
        _kept[issuer] = now + choose_time_to_live(document.max_age_seconds), members
    return members


def read_endpoint(metadata: Mapping[str, Any], name: str) -> str:
    """An address in the metadata to which a secret may go. Raises DocumentUnavailable."""
    url = metadata.get(name)
    if not isinstance(url, str) or not is_trustworthy(url):
        raise DocumentUnavailable(f"the issuer's metadata name no https address as {name}")
    return url


def _fetch_metadata(issuer: Issuer, deadline: float) -> tuple[str, Document]:
    """The address and the content of the issuer's own metadata. Raises DocumentUnavailable."""
    failure = None
    for url in find_metadata_urls(issuer.url):
        try:
            document = fetch_by_deadline(url, issuer, deadline)
        except DocumentUnavailable as error:
            failure = failure or error
            continue
        # RFC 8414 section 3.3: otherwise any server could impersonate this issuer.
        if document.members.get("issuer") != issuer.url:
            raise DocumentUnavailable(f"{url} has the metadata of another issuer")
        return url, document
    raise failure or DocumentUnavailable("no metadata")


def find_metadata_urls(issuer_url: str) -> Iterator[str]:
    """OpenID Connect Discovery 1.0 section 4, then RFC 8414 section 3.1."""
    parts = urlsplit(issuer_url)
    path = parts.path.rstrip("/")
    yield f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration"
    yield f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"


def fetch_by_deadline(url: str, issuer: Issuer, deadline: float) -> Document:
    """A document of the issuer, by `deadline` in monotonic seconds. Raises DocumentUnavailable."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise DocumentUnavailable(f"{url}: no time is left to fetch it") from TimeoutError()
    return fetch_document(url, seconds=seconds, ca_file=issuer.ca_file)
