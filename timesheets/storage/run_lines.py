"""Read stored runs and their lines, as those see them whose rows are in reach. Knows no HTTP."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Round

from timesheets.models import Client, Run, RunLine
from timesheets.storage.rows import Reach
from timesheets.storage.scans import PageQuery
from timesheets_files.limits import ENTRY_ID

# The lines that are in memory together, and that are stored in one transaction of SQLite.
CHUNK_ROWS = 10_000
# An `entry_id` that can be a segment of a path.
LABEL = re.compile(rf"(?=[A-Za-z0-9]){ENTRY_ID.pattern}", re.ASCII)
# Of a line in the database, and in the responses to its own client.
COLUMNS = ("user_id", "day", "project", "hours", "paid_before", "pays", "kind", "held")
FILE_COLUMNS = (*COLUMNS, "client", "organization")

KINDS = ("new", "late", "correction")

# A line as text, with these columns. `held` is the reason, None if the line is paid.
Line = Sequence[str | None]
# By the key of each client: the position of its `first` line, the number of its `lines`, and the `hours` of
# those that are paid and the hours that are `held`, in hundredths.
Shares = Mapping[int, Counter[str]]
# With the shares of the clients in reach.
PaidRun = tuple[Run, Shares]


def read_shares(run: Run) -> Shares:
    return {int(owner_id): Counter(share) for owner_id, share in json.loads(run.shares).items()}


def add_up(shares: Shares) -> Counter[str]:
    """The lines, hours and held hours of all clients."""
    total = Counter[str]()
    for share in shares.values():
        # The sum of two counters would leave out what is negative.
        total.update(share)
    return total


# Most days have the same few hours.
@lru_cache(maxsize=10_000)
def write_hours(hundredths: int) -> str:
    return f"{hundredths / 100:.2f}"


def write_rows(rows: Iterable[Line]) -> bytes:
    """The rows as CSV, as the API writes it."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def list_runs(reach: Reach, query: PageQuery, page_size: int) -> tuple[Sequence[PaidRun], int | None]:
    """At most `page_size` runs, the newest first, and the first id of the next page, None after the last."""
    runs = _select_runs(reach).order_by("-id")
    if query.from_id is not None:
        runs = runs.filter(id__lte=query.from_id)
    rows = list(runs[: page_size + 1])
    return _add_shares(rows[:page_size], reach), rows[page_size].pk if len(rows) > page_size else None


def find_run(reach: Reach, label: str) -> PaidRun | None:
    """The run with this label; None if there is none, or if it has no line in the reach of a client."""
    return next(iter(_add_shares(_select_runs(reach).filter(label=label), reach)), None)


def _select_runs(reach: Reach) -> QuerySet[Run]:
    if reach.is_everything:
        return Run.objects.all()
    owner = reach.select_clients().first()
    # A number as a key of JSON, which has no other one.
    return Run.objects.filter(shares__contains=f'"{owner.pk}": ') if owner else Run.objects.none()


def _add_shares(runs: Iterable[Run], reach: Reach) -> list[PaidRun]:
    owner_ids = set(reach.list_owner_ids())
    shares = ((run, read_shares(run)) for run in runs)
    return [(run, {owner_id: each[owner_id] for owner_id in each.keys() & owner_ids}) for run, each in shares]


def read_lines(
    run: Run, shares: Shares, begin: int, page_size: int, **wanted: Any
) -> tuple[Sequence[Line], int | None]:
    """At most `page_size` lines of these shares after the first `begin`, and the `begin` of the next page.

    They are in the order of the clients' present names; those that are `wanted`, by look-ups, in the order of
    the run's file. The last page has no next one.
    """
    owners = Client.objects.filter(pk__in=[*shares])
    names = {owner.pk: (owner.client_id, owner.organization) for owner in owners}
    in_order = [shares[owner_id] for owner_id in sorted(names, key=lambda pk: (*names[pk], pk))]
    ranges = (range(share["first"], share["first"] + share["lines"]) for share in in_order)
    if wanted:
        matches = _select_lines(run, shares, wanted).order_by("position").values_list("position", flat=True)
        positions = list(matches[begin : begin + page_size + 1])
    else:
        positions = list(islice(chain.from_iterable(ranges), begin, begin + page_size + 1))
    rows = RunLine.objects.filter(run_id=run.pk, position__in=positions[:page_size])
    lines: dict[int, Line] = {}
    for position, owner_id, user_id, day, project, *amounts, kind, held in rows.values_list(
        "position", "client_id", *COLUMNS
    ):
        content = (user_id, day.isoformat(), project, *map(str, amounts), kind, held)
        lines[position] = (*content, *names[owner_id])
    next_begin = begin + page_size if len(positions) > page_size else None
    return [lines[position] for position in positions[:page_size]], next_begin


def read_all_lines(run: Run, shares: Shares, **wanted: Any) -> Iterator[Sequence[Line]]:
    """Like `read_lines`, all lines, a piece at a time."""
    begin: int | None = 0
    while begin is not None:
        lines, begin = read_lines(run, shares, begin, CHUNK_ROWS, **wanted)
        yield lines


def add_up_lines(run: Run, shares: Shares, *by: str, **wanted: Any) -> QuerySet[RunLine, tuple[Any, ...]]:
    """The values of the columns `by` in lines that are wanted, with the number of lines and what they pay."""
    # SQLite adds up binary fractions.
    sums = {"lines": Count("position"), "sum": Round(Sum("pays"), 2)}
    return _select_lines(run, shares, wanted).values_list(*by).annotate(**sums).order_by(*by)


def _select_lines(run: Run, shares: Shares, wanted: Mapping[str, Any]) -> QuerySet[RunLine]:
    return RunLine.objects.filter(run_id=run.pk, client_id__in=[*shares], **wanted)
