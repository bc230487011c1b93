"""Processes that upload first entries and corrections of the same keys, until they are killed."""

import multiprocessing
import pickle
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tests.kit.default_database import use_database
from tests.storage.entries import PAYROLL, make_entry
from tests.storage.uploads import make_delivery
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_entries, ingest_upload
from timesheets.storage.verdicts import Verdict
from timesheets.trust.principals import MachineClient

WRITERS = 8
CLIENTS = [PAYROLL, replace(PAYROLL, client_id="reporting")]
# All writers use the keys near the highest id that they have seen, so that they meet.
KEYS = 6
ROWS_PER_KEY = 50

# A slow machine is no failure.
_PATIENCE = {"sqlite": "?timeout=60", "postgres": f"?options={quote('-c lock_timeout=60s')}"}

# Forks from a process that has loaded Django and has no other thread.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.kit.django_setup", "tests.survival.writers"])

# Uploads a client's entries, perhaps as a dry run. Returns the verdicts and the id of the receipt, if any.
Send = Callable[[MachineClient, Sequence[Entry], bool], tuple[Sequence[Verdict], int | None]]


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """An upload that was answered. `upload_id` is None for a single entry."""

    client: MachineClient
    entries: Sequence[Entry]
    verdicts: Sequence[Verdict]
    upload_id: int | None

    @property
    def judged(self) -> list[tuple[Entry, Verdict]]:
        return list(zip(self.entries, self.verdicts, strict=True))


@dataclass(kw_only=True)
class Writer:
    """Invents uploads. It knows of revisions only what it was told, so it may be wrong."""

    random: random.Random
    known: dict[str, int] = field(default_factory=dict)
    highest_id: int = 0

    def upload(self, send: Send) -> Acknowledged | None:
        """What was stored and answered; None for a dry run."""
        client, entries = self.random.choice([CLIENTS[0], *CLIENTS]), self._choose_entries()
        dry_run = self.random.random() < 0.1
        verdicts, upload_id = send(client, entries, dry_run)
        if dry_run:
            return None
        for entry, verdict in zip(entries, verdicts, strict=True):
            self._learn(entry, verdict)
        return Acknowledged(client=client, entries=entries, verdicts=verdicts, upload_id=upload_id)

    def _choose_entries(self) -> list[Entry]:
        size = self.random.choice([1, 1, 2, 5, 10])
        entries = [entry for _ in range(size) for entry in self._choose_revisions()]
        if size > 1 and self.random.random() < 0.1:
            # With so many, PostgreSQL uses COPY.
            entries += [self._make(f"z{self._choose_key()}-{number:03}") for number in range(120)]
        return self.random.sample(entries, len(entries)) if size > 1 else entries[:1]

    def _choose_revisions(self) -> list[Entry]:
        """Up to three entries of one key. The last one may leave a gap."""
        key = self._choose_key()
        if self.random.random() < 0.1:
            return [self._make(None)]
        known = self.known.get(key, 0)
        if not known or self.random.random() < 0.2:
            return [self._make(key), self._make(key, 2)][: self.random.randint(1, 2)]
        steps = self.random.choice([[1], [1, 2], [1, 2, 3], [2]])
        return [self._make(key, known + step) for step in steps]

    def _choose_key(self) -> str:
        return f"key-{self.highest_id // ROWS_PER_KEY + self.random.randrange(KEYS):06}"

    def _make(self, key: str | None, revision: int | None = None) -> Entry:
        """Few different contents, so that writers agree at times."""
        content = {
            "user_id": f"{self.random.randrange(3):03}",
            "hours": Decimal(self.random.randint(1, 3)),
            "revision": revision,
        }
        if revision is not None and revision > 1:
            content["reason"] = self.random.choice(["wrong hours", "wrong user"])
            content["hours"] = Decimal(self.random.randint(0, 3))
        return make_entry(key, **content)

    def _learn(self, entry: Entry, verdict: Verdict) -> None:
        self.highest_id = max(self.highest_id, verdict.timesheet_id)
        if entry.entry_id is not None and verdict.timesheet_id:
            self.known[entry.entry_id] = verdict.current_revision or entry.revision or 1


def store(
    client: MachineClient, entries: Sequence[Entry], dry_run: bool
) -> tuple[Sequence[Verdict], int | None]:
    commit_if = (lambda _: False) if dry_run else None
    now = datetime.now(UTC)
    if len(entries) == 1:
        return ingest_entries(client, entries, now, commit_if=commit_if), None
    delivery = make_delivery(len(entries), sum(entry.hours for entry in entries))
    ingested = ingest_upload(client, entries, now, delivery, commit_if=commit_if)
    return ingested.verdicts, ingested.upload_id


def write(url: str, log: Path, seed: int) -> None:
    """Upload until killed, and log what was acknowledged."""
    parent = multiprocessing.parent_process()
    writer = Writer(random=random.Random(seed))  # noqa: S311  Not a secret.
    # Without a buffer, all that is written outlives the process.
    with use_database(url + _PATIENCE[url.partition(":")[0]]), log.open("ab", buffering=0) as acknowledged:
        # A test that is killed itself leaves no writers behind.
        while parent and parent.is_alive():
            uploaded = writer.upload(store)
            if uploaded is not None:
                acknowledged.write(pickle.dumps(uploaded))


class Writers:
    """Eight processes that upload during the `with` block and are killed at its end."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._started = 0

    def __enter__(self) -> Self:
        self._processes = [self._start() for _ in range(WRITERS)]
        return self

    def __exit__(self, *exception: object) -> None:
        self._kill(self._processes)

    def replace(self, number: int) -> None:
        """Kill the oldest writers, whatever they are doing, and start others."""
        oldest, self._processes = self._processes[:number], self._processes[number:]
        self._kill(oldest)
        self._processes += [self._start() for _ in range(number)]

    def _start(self) -> BaseProcess:
        self._started += 1
        log = self._folder / f"writer-{self._started}"
        process = _context.Process(target=write, args=[self._url, log, self._started], daemon=True)
        process.start()
        return process

    def _kill(self, processes: Sequence[BaseProcess]) -> None:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        # None ended by itself before.
        assert {process.exitcode for process in processes} == {-signal.SIGKILL}

    def read_acknowledged(self) -> list[Acknowledged]:
        """What all writers were told, each in its order."""
        return [uploaded for log in sorted(self._folder.glob("writer-*")) for uploaded in _read(log)]


def _read(log: Path) -> Iterator[Acknowledged]:
    # The last one may be incomplete.
    with log.open("rb") as stream, suppress(EOFError, pickle.UnpicklingError):
        while True:
            yield pickle.load(stream)  # noqa: S301  Our own processes wrote it.
