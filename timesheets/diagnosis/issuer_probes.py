"""Ask the issuer for its documents as the API does, and note how it answered. Knows no web framework."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from timesheets.trust.issuer_documents import Document, DocumentUnavailable
from timesheets.trust.issuers import DEADLINE_SECONDS, Issuer, fetch_by_deadline, find_metadata_urls

# A fetch ends itself at its deadline, unless it hangs where nothing can end it, such as in a name's look-up.
GRACE_SECONDS = 1

Fetch = Callable[[str, Issuer, float], Document]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One request to the issuer: what came of it, and when, in seconds since the epoch by our clock."""

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
        """By how many seconds our clock is ahead of the issuer's, at least; None where it does not say.

        The issuer's is known to the second only, so within that and the time that the answer took
        the clocks agree.
        """
        issuers_time = _read_time(self.document) if self.document else None
        if issuers_time is None:
            return None
        if self.answered_at < issuers_time:
            return self.answered_at - issuers_time
        return max(0.0, self.asked_at - (issuers_time + 1))


def start_deadline() -> float:
    """When, in monotonic seconds, all must be there that the API fetches together."""
    return time.monotonic() + DEADLINE_SECONDS


def probe_metadata(issuer: Issuer, deadline: float) -> Sequence[Probe]:
    """The issuer's metadata, which is the last of these if there are any, and the requests before."""
    probes = []
    for url in find_metadata_urls(issuer.url):
        probes.append(probe(url, issuer, deadline))
        if probes[-1].document:
            break
    return probes


def find_jwks_url(issuer: Issuer, metadata: Sequence[Probe]) -> str | None:
    """Where the API fetches the issuer's keys: as configured, else as its own metadata say."""
    if issuer.jwks_url:
        return issuer.jwks_url
    document = metadata[-1].document
    if document is None or document.members.get("issuer") != issuer.url:
        return None
    url = document.members.get("jwks_uri")
    return url if isinstance(url, str) else None


def probe_keys(issuer: Issuer) -> Probe:
    """The issuer's keys, found and fetched as the API does; the metadata where they do not lead there."""
    deadline = start_deadline()
    metadata = [] if issuer.jwks_url else probe_metadata(issuer, deadline)
    url = find_jwks_url(issuer, metadata)
    return probe(url, issuer, deadline) if url else metadata[-1]


def probe(url: str, issuer: Issuer, deadline: float, fetch: Fetch = fetch_by_deadline) -> Probe:
    """What a request to `url` brings before the deadline, or a moment after it."""
    asked_at = time.time()
    outcome = _await_outcome(lambda: fetch(url, issuer, deadline), url, deadline)
    return Probe(url=url, outcome=outcome, asked_at=asked_at, answered_at=time.time())


def _await_outcome(
    fetch: Callable[[], Document], url: str, deadline: float
) -> Document | DocumentUnavailable:
    outcomes: queue.SimpleQueue[Document | DocumentUnavailable] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put(fetch())
        except DocumentUnavailable as failure:
            outcomes.put(failure)

    threading.Thread(target=run, name="issuer-probe", daemon=True).start()
    try:
        return outcomes.get(timeout=max(0, deadline - time.monotonic()) + GRACE_SECONDS)
    except queue.Empty as nothing:
        failure = DocumentUnavailable(f"{url} cannot be fetched: nothing came in time")
        failure.__cause__ = nothing
        return failure


def _read_time(document: Document) -> float | None:
    """The issuer's time when it answered (RFC 9110 section 6.6.1), whatever a cache did on the way."""
    try:
        date = parsedate_to_datetime(document.date or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() + document.age_seconds
