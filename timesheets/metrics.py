"""Count what the API does, for Prometheus, if TIMESHEETS_METRICS is on. Knows no HTTP.

Each worker counts in files of its own, in the folder PROMETHEUS_MULTIPROC_DIR that all workers of a server
share, so any of them can report for all. Labels are names of this code and ids of verified clients, so nobody
else can choose one.
"""

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from timesheets.storage.entries import ACCEPTED, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# How many clients have a metric of their own, per worker. Each costs a time series.
MAX_CLIENTS = 100

SUCCESS, FAILURE = "success", "failure"

_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
_FILE_KINDS = ("counter", "histogram", "gauge_livesum", "gauge_max")
# Room for some 2,000 time series per file.
_FILE_BYTES = 512 * 1024


def _allocate_files(folder: str) -> None:
    """Create this process's files. On a full disk, a write to memory without a block would kill the process.

    Raises OSError if there is no space.
    """
    for kind in _FILE_KINDS:
        path = Path(folder, f"{kind}_{os.getpid()}.new")
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
        # No worker reads a file that is not complete.
        path.rename(path.with_suffix(".db"))


if _FOLDER:
    _allocate_files(_FOLDER)

_registry = CollectorRegistry()
_counter, _histogram = partial(Counter, registry=_registry), partial(Histogram, registry=_registry)
_gauge = partial(Gauge, registry=_registry)
_REQUESTS = _counter(
    "timesheets_http_requests", "Requests that were answered.", ["route", "method", "status", "code"]
)
_UPLOAD_SECONDS = _histogram(
    "timesheets_upload_duration_seconds",
    "How long an accepted upload took, from its head to the response.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_ENTRIES = _counter("timesheets_entries", "Entries that got a verdict, except in dry runs.", ["verdict"])
_LAST_UPLOAD = _gauge(
    "timesheets_last_upload_timestamp_seconds",
    "When an upload last stored an entry of the client, or found it stored.",
    ["client"],
    multiprocess_mode="max",
)
_KEY_REFRESHES = _counter("timesheets_issuer_key_refreshes", "Fetches of the issuer's keys.", ["outcome"])
_sum = partial(_gauge, multiprocess_mode="livesum")
_THREADS = _sum("timesheets_threads", "Threads for requests, of all workers.")
_BUSY = _sum("timesheets_threads_busy", "Threads that have a request.")
_THREADS.set(int(os.environ.get("GRANIAN_BLOCKING_THREADS", "0")))
# A counter that exists before the first event shows that event as an increase.
for _verdict in Outcome:
    _ENTRIES.labels(_verdict)
for _outcome in (SUCCESS, FAILURE):
    _KEY_REFRESHES.labels(_outcome)

# A label is found faster here than in the metric.
_requests_with = cache(_REQUESTS.labels)
_entries_with = cache(_ENTRIES.labels)
_busy = _BUSY.track_inprogress()
_NOTHING = nullcontext()
_noted_at: dict[str, float] = {}


@cache
def is_on() -> bool:
    return bool(settings.TIMESHEETS_METRICS)


def export() -> bytes:
    """All metrics of all workers, in Prometheus' text format."""
    if not _FOLDER:
        return generate_latest(_registry)
    _forget_dead_workers(_FOLDER)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, _FOLDER)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead_workers(folder: str) -> None:
    """Remove the gauges of workers that are gone. What they counted stays."""
    for file in Path(folder).glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            # Another worker may remove them at the same time.
            with suppress(FileNotFoundError):
                mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]


def track_request() -> AbstractContextManager[object]:
    """Count this thread as busy while the block runs."""
    return _busy if is_on() else _NOTHING


def count_request(route: str | None, method: str, status: int, code: str | None) -> None:
    if is_on():
        _requests_with(route or "", method, status, code or "").inc()


def observe_upload(seconds: float) -> None:
    if is_on():
        _UPLOAD_SECONDS.observe(seconds)


def count_entries(client_id: str, verdicts: Mapping[Outcome, int]) -> None:
    """Count the verified client's entries by their verdict."""
    if is_on():
        for verdict, count in verdicts.items():
            _entries_with(verdict).inc(count)
        if not ACCEPTED.isdisjoint(verdicts):
            _note_upload(client_id)


def _note_upload(client_id: str) -> None:
    now = time.time()
    # Once a second is exact enough.
    is_due = now >= _noted_at.get(client_id, 0) + 1
    if is_due and (client_id in _noted_at or len(_noted_at) < MAX_CLIENTS):
        _noted_at[client_id] = now
        _LAST_UPLOAD.labels(client_id).set(now)


def count_key_refresh(outcome: str) -> None:
    if is_on():
        _KEY_REFRESHES.labels(outcome).inc()
