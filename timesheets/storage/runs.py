"""Add what payroll pays now, once, except for what it holds. Knows no HTTP."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, NamedTuple

from django.db.models import Max

from timesheets.models import Client, Run, RunLine, Timesheet
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.policy_files import find_text_faults, read_policy
from timesheets.storage.run_lines import (
    CHUNK_ROWS,
    FILE_COLUMNS,
    Line,
    read_all_lines,
    read_shares,
    write_hours,
    write_rows,
)
from timesheets.storage.run_statements import insert_lines, one_run_at_a_time, work_out_lines
from timesheets.storage.writer import begin_upload

# Takes the CSV file of a run, piece by piece.
Write = Callable[[bytes], object]


class RunRefused(Exception):
    """No run was added. The message says why."""


class Hold(NamedTuple):
    """An empty organization means all of the client's, and an empty employee everyone."""

    client: str
    organization: str
    user_id: str
    reason: str


class Holds:
    """Answers, for holds of any number, whether a line is held."""

    def __init__(self, rows: Sequence[Hold] = ()) -> None:
        # The same for the same set of rows.
        self.text = json.dumps(sorted(set(rows)))
        self._first: dict[tuple[str, ...], tuple[int, str]] = {}
        for number, hold in enumerate(rows):
            self._first.setdefault(hold[:3], (number, hold.reason))

    def find_reason(self, client: str, organization: str, user_id: str) -> str | None:
        """The reason of the first row that fits, if possible of one with the employee; None if none fits."""
        for name in (user_id, "") if self._first else ():
            keys = ((client, each, name) for each in (organization, ""))
            if found := [self._first[key] for key in keys if key in self._first]:
                return min(found)[1]
        return None


def read_holds(file: BinaryIO) -> Holds:
    """The holds in a CSV file. Raises PolicyFileWrong with all errors."""
    people = Timesheet.objects.values_list("client__client_id", "client__organization", "user_id").distinct()
    # Reading everybody's names may take long, and this also lifts the time limits of PostgreSQL.
    with one_run_at_a_time():
        known = {
            (client, one_or_all, name)
            for client, organization, user_id in people
            for one_or_all in (organization, "")
            for name in (user_id, "")
        }

    def read_row(cells: dict[str, str]) -> tuple[Hold, list[str]]:
        hold = Hold(**{name: cells.get(name, "") for name in Hold._fields})
        faults = list(find_text_faults({"reason": hold.reason}))
        if not hold.reason:
            faults.append("reason: is empty")
        # A misspelled hold would pay.
        if (hold.client, hold.organization, "") not in known:
            faults.append("client: has no entries with this id and organization")
        elif hold[:3] not in known:
            faults.append("user_id: has no entries of this client")
        return hold, faults

    return Holds(read_policy(file, Hold._fields, read_row, required=("client", "user_id", "reason")))


def add_run(run: Run, holds: Holds, write: Write, *, dry_run: bool) -> Run:
    """Add the run with its lines, or find the one that was added before. Raises RunRefused.

    Without an `as_of`, all entries that are settled count. A dry run returns what would be added.
    """
    run.holds = holds.text
    with one_run_at_a_time():
        if other := Run.objects.exclude(time_zone=run.time_zone).first():
            raise RunRefused(
                f"The run {other.label} has the time zone {other.time_zone}, and now it is {run.time_zone}. "
                "Days would move. Set TIMESHEETS_TIME_ZONE as it was."
            )
        if stored := Run.objects.filter(label=run.label).first():
            _require_same(stored, run)
            write(write_rows([FILE_COLUMNS]))
            for lines in read_all_lines(stored, read_shares(stored)):
                write(write_rows(lines))
            return stored
        _follow_runs(run)
        if not dry_run:
            _remove_lines(run)
        _add_lines(run, holds, write, dry_run=dry_run)
        if not dry_run:
            with begin_upload():
                run.save(force_insert=True)
        return run


def _require_same(stored: Run, run: Run) -> None:
    same = (run.through, run.holds, stored.as_of if run.as_of is None else run.as_of)
    if (stored.through, stored.holds, stored.as_of) != same:
        raise RunRefused(
            f"The run {stored.label} exists, through {stored.through} as of {stored.as_of}. Only the same "
            "DATE, ID and holds show it again. To pay what has changed since, choose another LABEL."
        )


def _follow_runs(run: Run) -> None:
    """Set the number of the run and its `as_of`."""
    # PostgreSQL's snapshot is taken later, and therefore has all rows up to this id.
    mark = find_high_water_mark()
    last = Run.objects.aggregate(id=Max("id"), as_of=Max("as_of"))
    run.id = (last["id"] or 0) + 1
    run.as_of = mark if run.as_of is None else run.as_of
    if not min(1, mark) <= run.as_of <= mark:
        raise RunRefused(f"{run.as_of} is no settled id. The newest one is {mark}.")
    if run.as_of < (last["as_of"] or 0):
        raise RunRefused(
            f"An earlier run paid what was stored up to {last['as_of']}. As of {run.as_of}, later "
            "corrections would be undone."
        )


def _remove_lines(run: Run) -> None:
    """Remove what a run that was killed left, a piece at a time, because uploads wait."""
    left = RunLine.objects.filter(run_id=run.pk)
    while (last := left.aggregate(last=Max("position"))["last"]) is not None:
        with begin_upload():
            left.filter(position__gt=last - CHUNK_ROWS).delete()


def _add_lines(run: Run, holds: Holds, write: Write, *, dry_run: bool) -> None:
    """Add the lines, and set what the run says about them."""
    digest = hashlib.sha256()

    def send(rows: Iterable[Line]) -> None:
        piece = write_rows(rows)
        digest.update(piece)
        write(piece)

    # A million lines, so this is no place for objects.
    names = {owner.pk: (owner.client_id, owner.organization) for owner in Client.objects.all()}
    shares: dict[int, Counter[str]] = {}
    position, latest = 0, str(Run.objects.aggregate(last=Max("through"))["last"] or "")
    send([FILE_COLUMNS])
    for rows in work_out_lines(run):
        lines, stored = [], []
        for owner_id, user_id, day, project, hours, paid, was_paid in rows:
            if owner_id not in shares:
                shares[owner_id] = Counter(first=position)
            share = shares[owner_id]
            held = holds.find_reason(*names[owner_id], user_id)
            share["lines"] += 1
            share["hours" if held is None else "held"] += hours - paid
            text = str(day)
            kind = "correction" if was_paid else "late" if text <= latest else "new"
            amounts = (write_hours(hours), write_hours(paid), write_hours(hours - paid))
            line = (user_id, text, project, *amounts, kind, held)
            lines.append((*line, *names[owner_id]))
            stored.append((run.pk, position, owner_id, *line))
            position += 1
        send(lines)
        if not dry_run:
            insert_lines(stored)
    run.sha256, run.shares = digest.hexdigest(), json.dumps(shares)
