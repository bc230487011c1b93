"""Invent uploads of first entries and corrections of the same keys."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tests.storage.entries import PAYROLL, make_entry
from timesheets.storage.entries import Entry, Verdict
from timesheets.trust.principals import MachineClient

WRITERS = 8
CLIENTS = [PAYROLL, replace(PAYROLL, client_id="reporting")]
# All writers use the keys near the highest id that they have seen, so that they meet.
KEYS = 6
ROWS_PER_KEY = 50

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
