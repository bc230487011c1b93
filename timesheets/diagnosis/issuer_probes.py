"""Request the issuer's documents as the API does, and report the outcome. Knows no web framework."""

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from timesheets.diagnosis.wording import make_printable
from timesheets.trust.issuer_documents import LOOPBACK_HOSTS, Document, DocumentUnavailable
from timesheets.trust.issuers import Issuer, fetch_by_deadline

_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
# The status of a finding.
OK, WARNING, FAILED = "ok", "warning", "FAILED"


@dataclass(frozen=True)
class Finding:
    status: str
    subject: str
    text: str
    remedy: str = ""
    # True if it may succeed later without a change.
    is_temporary: bool = False


@dataclass(frozen=True)
class Probe:
    """The outcome of one request to the issuer."""

    finding: Finding
    document: Document | None = None
    # By how much, at least, our clock is ahead of the issuer's; None if the issuer sends no time.
    ahead_seconds: float | None = None


def probe(subject: str, url: str, issuer: Issuer, deadline: float) -> Probe:
    """Request a document of the issuer, by `deadline` in monotonic seconds."""
    asked_at = time.time()
    try:
        document = fetch_by_deadline(url, issuer, deadline)
    except DocumentUnavailable as failure:
        remedy, is_temporary = _find_remedy(url, failure)
        text = f"{failure}, after {(time.time() - asked_at) * 1000:.0f} ms"
        # Text and remedy may name a URL from the issuer's metadata.
        return Probe(Finding(FAILED, subject, make_printable(text), make_printable(remedy), is_temporary))
    text = f"{make_printable(url)} in {(time.time() - asked_at) * 1000:.0f} ms"
    return Probe(Finding(OK, subject, text), document, _compare_clocks(document, asked_at))


def _compare_clocks(document: Document, asked_at: float) -> float | None:
    """The issuer's time has whole seconds: the clocks agree within one second plus the response time."""
    try:
        # RFC 9110 section 5.6.7: it is always in GMT.
        date = parsedate_to_datetime(document.date or "").replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    issuers_time = date.timestamp() + document.age_seconds
    answered_at = time.time()
    if answered_at < issuers_time:
        return answered_at - issuers_time
    return max(0.0, asked_at - (issuers_time + 1))


def _find_remedy(url: str, failure: DocumentUnavailable) -> tuple[str, bool]:
    """Return advice about a failed request, and whether it may succeed later without a change."""
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
