"""Random uploads, corrections, withdrawals, holds and dates: every line of every run is that of the model.

RUN_EXAMPLES is how many sequences to try. The default is 20.
"""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.kit.default_database import Database
from tests.kit.examples import try_examples
from tests.storage.entries import PAYROLL, ingest, make_entry
from tests.storage.runs import Hold, PaidLine, Payroll, pay, refuse
from timesheets.models import Client, Run, RunLine, Timesheet
from timesheets.storage.entries import Outcome
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import FILE_COLUMNS, Line, add_up, find_run, read_lines, write_rows

BERLIN = ZoneInfo("Europe/Berlin")
CLIENTS = [PAYROLL, replace(PAYROLL, organization="org"), replace(PAYROLL, client_id="Reporting")]
# In the order of code points. Languages have another one.
USERS = ["z", "ä", "\N{FULLWIDTH SOLIDUS}", "\N{MUSICAL SYMBOL G CLEF}"]
# The days begin and end at 22:00 in UTC.
MOMENTS = [datetime(2017, 5, day, hour, tzinfo=UTC) for day in (1, 2, 3) for hour in (21, 22)]
DAYS = [date(2017, 5, day) for day in (1, 2, 3, 4)]


@dataclass(frozen=True)
class Sent:
    client: int
    entry_id: str | None
    content: dict[str, Any]


@dataclass(frozen=True)
class Paid:
    through: date
    holds: Sequence[Hold]
    # How many of the newest rows do not count.
    without: int


sent = st.builds(
    Sent,
    st.integers(0, 2),
    st.sampled_from(["a", "b", "c", "d", None]),
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(USERS),
            "date": st.sampled_from(MOMENTS),
            "project": st.sampled_from(["P", "p"]),
            # No float is exactly one of them.
            "hours": st.sampled_from([Decimal("0.10"), Decimal("0.29"), Decimal("7.30"), Decimal(0)]),
        }
    ),
)
holds = st.builds(
    Hold,
    st.sampled_from(["payroll", "payroll", "Reporting"]),
    st.sampled_from(["", "", "org"]),
    st.sampled_from(["", *USERS]),
    st.sampled_from(["audit", "left, maybe"]),
)
paid = st.builds(Paid, st.sampled_from(DAYS), st.lists(holds, max_size=3), st.sampled_from([0, 0, 0, 1, 3]))
steps = st.lists(st.one_of(sent, sent, sent, sent, paid), min_size=3, max_size=25)


class Site:
    """The database and the model, which have the same uploads and runs."""

    def __init__(self, folder: Path) -> None:
        for model in (RunLine, Run, Timesheet, Client):
            model.objects.all().delete()
        self.model, self.folder = Payroll(zone=BERLIN), folder
        self.revisions: dict[tuple[int, str | None], int] = {}
        # The files of the runs, by label.
        self.files: dict[str, bytes] = {}

    def send(self, step: Sent) -> None:
        revision = self.revisions.get((step.client, step.entry_id), 0) + 1
        entry = make_entry(step.entry_id, **step.content)
        if step.entry_id is None or revision == 1:
            entry = entry._replace(hours=entry.hours or Decimal(1))
        else:
            entry = entry._replace(revision=revision, reason="wrong")
        client = CLIENTS[step.client]
        [verdict] = ingest(entry, client=client)
        assert verdict.outcome is Outcome.CREATED
        if step.entry_id is not None:
            self.revisions[step.client, step.entry_id] = revision
        self.model.rows.append((verdict.timesheet_id, client.key, entry))

    def pay(self, step: Paid) -> None:
        ids = [row_id for row_id, *_ in self.model.rows]
        as_of = ids[-1 - step.without] if len(ids) > step.without else ids[0] if ids else 0
        label, file = f"run-{len(self.files)}", self.folder / "lines.csv"
        options: list[object] = ["--as-of", as_of, "--csv", file]
        known = [hold for hold in step.holds if self.knows(hold)]
        if known:
            options += ["--hold", self.write_holds(known)]
        if as_of < max((each for each, *_ in self.model.runs), default=0):
            assert refuse(label, step.through, *options)[0] == 65
            return
        expected = self.model.work_out(step.through, as_of, known)

        pay(label, step.through, *options, "--dry-run")
        shown = file.read_bytes()
        pay(label, step.through, *options)

        content = file.read_bytes()
        assert (shown, hashlib.sha256(content).hexdigest()) == (content, Run.objects.get(label=label).sha256)
        assert list(csv.reader(content.decode().splitlines()))[1:] == list(map(write, expected))
        self.model.runs.append((as_of, step.through, expected))
        self.files[label] = content

    def knows(self, hold: Hold) -> bool:
        """A hold for which there are no entries is refused."""
        return any(
            hold.client == client.client_id
            and hold.organization in ("", client.organization)
            and hold.user_id in ("", entry.user_id)
            for _, client, entry in self.model.rows
        )

    def write_holds(self, known: Sequence[Hold]) -> Path:
        file = self.folder / "holds.csv"
        with file.open("w") as stream:
            csv.writer(stream).writerows([Hold._fields, *known])
        return file

    def require_invariants(self) -> None:
        # The last run that covered the day decides, also about what it held.
        for key, amounts in self.model.find_paid().items():
            as_of, _, lines = next(run for run in reversed(self.model.runs) if key.day <= run[1])
            if not any(line.key == key and line.held for line in lines):
                assert sum(amounts) == self.model.find_current(as_of).get(key, 0)
        # Lines never change.
        for label, content in self.files.items():
            # What all clients see together is the run.
            whole, everything = read_view(Reach(own=None), label)
            views = [read_view(Reach(own=client.key), label) for client in CLIENTS]
            assert write_rows([FILE_COLUMNS, *everything]) == content
            assert {line for _, each in views for line in each} == set(everything)
            assert [sum(totals) for totals in zip(*(totals for totals, _ in views), strict=True)] == whole


def read_view(reach: Reach, label: str) -> tuple[list[int], list[Line]]:
    """The totals and the lines of a run, on pages of two; nothing if the run is not found."""
    found = find_run(reach, label)
    lines: list[Line] = []
    begin: int | None = 0
    if found is None:
        return [0, 0, 0], lines
    total = add_up(found[1])
    while begin is not None:
        page, begin = read_lines(*found, begin, 2)
        lines += page
    return [total["lines"], total["hours"], total["held"]], lines


def write(line: PaidLine) -> list[str]:
    client, user_id, day, project = line.key
    amounts = (f"{amount:.2f}" for amount in (line.hours, line.paid_before, line.pays))
    owner = (client.client_id, client.organization)
    return [user_id, str(day), project, *amounts, line.kind, line.held or "", *owner]


@try_examples("RUN_EXAMPLES", 20)
@given(steps=steps)
def test_every_run_is_that_of_the_model(
    database: Database, tmp_path: Path, settings: Any, steps: Sequence[Sent | Paid]
) -> None:
    settings.TIMESHEETS_TIME_ZONE = BERLIN.key
    site = Site(tmp_path)

    for step in steps:
        if isinstance(step, Sent):
            site.send(step)
        else:
            site.pay(step)

    site.require_invariants()
