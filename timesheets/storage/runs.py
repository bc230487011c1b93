"""Add what payroll pays now, once. Knows no HTTP."""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Max

from timesheets.models import Client, Run, RunLine
from timesheets.storage.high_water_mark import find_high_water_mark
from timesheets.storage.holds import Holds
from timesheets.storage.run_lines import (
    CHUNK_ROWS,
    Line,
    Share,
    read_lines,
    write_hours,
    write_rows,
    write_shares,
)
from timesheets.storage.run_statements import insert_lines, one_run_at_a_time, work_out_lines
from timesheets.storage.writer import begin_upload

# Takes the CSV file of a run, piece by piece.
Write = Callable[[bytes], object]


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """What to pay: the hours up to a day of the zone. Without `as_of`, all entries that are settled count."""

    label: str
    through: date
    zone: ZoneInfo
    holds: Holds
    as_of: int | None = None


class RunRefused(Exception):
    """Nothing is added. The message says why."""


def add_run(order: RunOrder, now: datetime, write: Write, *, dry_run: bool) -> Run:
    """Add the run with its lines, or find the one that was added before. Raises RunRefused.

    A dry run returns what would be added.
    """
    with one_run_at_a_time():
        _require_zone(order)
        stored = Run.objects.filter(label=order.label).first()
        if stored is None:
            return _add(order, now, write, dry_run=dry_run)
        _require_same(stored, order)
        rows = itertools.chain([Line._fields], read_lines(stored))
        while piece := list(itertools.islice(rows, CHUNK_ROWS)):
            write(write_rows(piece))
        return stored


def _require_zone(order: RunOrder) -> None:
    if other := Run.objects.exclude(time_zone=order.zone.key).first():
        raise RunRefused(
            f"The run {other.label} has the time zone {other.time_zone}, and now it is {order.zone.key}. "
            "Days would move. Set TIMESHEETS_TIME_ZONE as it was."
        )


def _require_same(stored: Run, order: RunOrder) -> None:
    same = (order.through, order.holds.text, stored.as_of if order.as_of is None else order.as_of)
    if (stored.through, stored.holds, stored.as_of) != same:
        raise RunRefused(
            f"The run {stored.label} exists, through {stored.through} as of {stored.as_of}. Only the same "
            "DATE, ID and holds show it again. To pay what has changed since, choose another LABEL."
        )


def _add(order: RunOrder, now: datetime, write: Write, *, dry_run: bool) -> Run:
    # PostgreSQL's snapshot is taken later, and therefore has all rows up to this id.
    mark = find_high_water_mark()
    as_of = mark if order.as_of is None else order.as_of
    if not min(1, mark) <= as_of <= mark:
        raise RunRefused(f"{as_of} is no settled id. The newest one is {mark}.")
    last = Run.objects.aggregate(id=Max("id"), as_of=Max("as_of"), through=Max("through"))
    if as_of < (last["as_of"] or 0):
        raise RunRefused(
            f"An earlier run paid what was stored up to {last['as_of']}. As of {as_of}, later corrections "
            "would be undone."
        )
    run = Run(
        id=(last["id"] or 0) + 1,
        label=order.label,
        through=order.through,
        as_of=as_of,
        created_at=now,
        time_zone=order.zone.key,
        holds=order.holds.text,
    )
    if not dry_run:
        _remove_lines(run)
    _add_lines(run, order, last["through"], write, dry_run=dry_run)
    if not dry_run:
        with begin_upload():
            run.save(force_insert=True)
    return run


def _remove_lines(run: Run) -> None:
    """Remove what a run that was killed left, a piece at a time, because uploads wait."""
    left = RunLine.objects.filter(run_id=run.pk)
    while (last := left.aggregate(last=Max("position"))["last"]) is not None:
        with begin_upload():
            left.filter(position__gt=last - CHUNK_ROWS).delete()


def _add_lines(run: Run, order: RunOrder, paid_through: date | None, write: Write, *, dry_run: bool) -> None:
    """Add the lines, and set what the run says about them."""
    digest = hashlib.sha256()
    # A million lines, so this is no place for objects.
    names: dict[int, tuple[str, str]] = {}
    shares: dict[int, Share] = {}
    position, latest = 0, str(paid_through or "")

    def send(rows: Sequence[Sequence[str | None]]) -> None:
        piece = write_rows(rows)
        digest.update(piece)
        write(piece)

    send([Line._fields])
    for rows in work_out_lines(run, order.zone):
        lines, stored = [], []
        for owner_id, user_id, day, project, hours, paid, was_paid in rows:
            if owner_id not in names:
                owner = Client.objects.get(pk=owner_id)
                names[owner_id] = (owner.client_id, owner.organization)
                shares[owner_id] = Share(first=position)
            held = order.holds.find_reason(*names[owner_id], user_id)
            shares[owner_id].add(hours - paid, is_held=held is not None)
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
    run.sha256, run.shares = digest.hexdigest(), write_shares(shares)
