"""Request the issuer's documents as the API does, and record the outcome. Knows no web framework."""

import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from timesheets.trust.issuer_documents import LOOPBACK_HOSTS, Document, DocumentUnavailable
from timesheets.trust.issuers import DEADLINE_SECONDS, Issuer, fetch_by_deadline, find_metadata_urls

_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One request to the issuer: its outcome, and its times in seconds since the epoch by our clock."""

    url: str
    outcome: Document | DocumentUnavailable
    asked_at: float
    answered_at: float

    @property
    def document(self) -> Document | None:
        return self.outcome if isinstance(self.outcome, Document) else None

    @property
    def milliseconds(self) -> int:
        return round((self.answered_at - self.asked_at) * 1000)

    def measure_clock(self) -> float | None:
        """By how many seconds, at least, our clock is ahead of the issuer's; None if it sends no time.

        The issuer's time has whole seconds. The clocks agree within one second plus the response time.
        """
        issuers_time = _read_time(self.document) if self.document else None
        if issuers_time is None:
            return None
        if self.answered_at < issuers_time:
            return self.answered_at - issuers_time
        return max(0.0, self.asked_at - (issuers_time + 1))


def _read_time(document: Document) -> float | None:
    """The issuer's time when it sent the response (RFC 9110 section 6.6.1), corrected for a cache's Age."""
    try:
        date = parsedate_to_datetime(document.date or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() + document.age_seconds


def start_deadline() -> float:
    """When, in monotonic seconds, everything that the API fetches together must have arrived."""
    return time.monotonic() + DEADLINE_SECONDS


def probe_metadata(issuer: Issuer, deadline: float) -> Sequence[Probe]:
    """The requests for the issuer's metadata, up to the first that succeeds."""
    probes = []
    for url in find_metadata_urls(issuer.url):
        probes.append(probe(url, issuer, deadline))
        if probes[-1].document:
            break
    return probes


def find_jwks_url(issuer: Issuer, metadata: Sequence[Probe]) -> str | None:
    """Where the API fetches the issuer's keys: the configured URL, else the one in its own metadata."""
    if issuer.jwks_url:
        return issuer.jwks_url
    document = metadata[-1].document
    if document is None or document.members.get("issuer") != issuer.url:
        return None
    url = document.members.get("jwks_uri")
    return url if isinstance(url, str) else None


def probe_keys(issuer: Issuer) -> Probe:
    """The request for the issuer's keys, or for its metadata if they do not say where the keys are."""
    deadline = start_deadline()
    metadata = [] if issuer.jwks_url else probe_metadata(issuer, deadline)
    url = find_jwks_url(issuer, metadata)
    return probe(url, issuer, deadline) if url else metadata[-1]


def probe(url: str, issuer: Issuer, deadline: float) -> Probe:
    asked_at = time.time()
    outcome: Document | DocumentUnavailable
    try:
        outcome = fetch_by_deadline(url, issuer, deadline)
    except DocumentUnavailable as failure:
        outcome = failure
    return Probe(url=url, outcome=outcome, asked_at=asked_at, answered_at=time.time())


def find_remedy(url: str, failure: DocumentUnavailable) -> tuple[str, bool]:
    """What to do about a failed request, and whether it may succeed later without a change."""
    status, cause = failure.status, failure.__cause__
    if status is None:
        return _find_remedy_by_cause(url, cause)
    if status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The issuer has a problem: try again later, and check its status page.", True
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # An attacker can write the Location header, so the remedy does not repeat it.
        return "The API follows no redirects: configure the URL that `curl -I` shows as Location.", False
    return "Check the URL: it must be the issuer's own, to the byte.", False


def _find_remedy_by_cause(url: str, cause: BaseException | None) -> tuple[str, bool]:
    if cause is None:
        return "Check the URL: it must lead to a JSON object of at most 64 KiB, over https.", False
    host = urlsplit(url).hostname
    if isinstance(cause, ssl.SSLError):
        return "If a private CA signed the certificate, set OAUTH_CA_FILE to the CA's certificate.", False
    if isinstance(cause, FileNotFoundError):
        return "OAUTH_CA_FILE names a file that does not exist.", False
    if isinstance(cause, ConnectionRefusedError) and host in LOOPBACK_HOSTS:
        return f"Is the development server running? manage.py runserver {urlsplit(url).port or 80}", True
    if isinstance(cause, socket.gaierror):
        return f"DNS does not know the host {host}: check its spelling, and DNS on this machine.", True
    if isinstance(cause, ValueError | http.client.InvalidURL):
        return "Check the spelling of the URL.", False
    return f"Make sure that this machine can reach {host}: firewall, routes. The API uses no proxy.", True
