"""Describe runs for pages: what a run pays and holds, how its lines came about, and its lines as a file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from timesheets.browser.downloads import let_others_connect, write_rows
from timesheets.models import Run
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import (
    KINDS,
    Shares,
    add_up,
    add_up_lines,
    list_owners,
    read_all_lines,
    write_hours,
)

# Of a table. With long names, more would make a page of 100 kB.
MAX_ROWS = 50
_OF_PERSON = ("held", "client__client_id", "client__organization", "user_id")


def describe_run(run: Run, shares: Shares, reach: Reach) -> Mapping[str, Any]:
    """What is paid by kind, the first people who are held, by reason, and the sums of the first clients."""
    kinds = add_up_lines(run, shares, "kind", held__isnull=True)
    held = list(add_up_lines(run, shares, *_OF_PERSON, held__isnull=False)[: MAX_ROWS + 1])
    return {
        "reach": reach,
        "kinds": sorted(kinds, key=lambda row: KINDS.index(row[0])),
        "held": held[:MAX_ROWS],
        "has_more_held": len(held) > MAX_ROWS,
        "clients": [
            {"owner": owner, **_write_sums(shares[owner.pk])} for owner in list_owners(shares)[:MAX_ROWS]
        ],
        "has_more_clients": len(shares) > MAX_ROWS,
    }


def describe_lines(run: Run, shares: Shares, wanted: Mapping[str, Any], **others: Any) -> Mapping[str, Any]:
    """What the lines that are wanted add up to."""
    sums = add_up(shares)
    if wanted:
        sums = Counter()
        for reason, count, hours in add_up_lines(run, shares, "held", **wanted):
            sums["lines"] += count
            sums["hours" if reason is None else "held"] += int(hours * 100)
    # A program cannot ask for what filters select.
    return {**others, "run": run, "wire": None, **_write_sums(sums)}


def _write_sums(share: Counter[str]) -> Mapping[str, Any]:
    """The number of lines, and the hours that they pay and hold."""
    return {"count": share["lines"], "pays": write_hours(share["hours"]), "holds": write_hours(share["held"])}


def write_lines(
    columns: Sequence[str], run: Run, shares: Shares, wanted: Mapping[str, Any]
) -> Iterator[bytes]:
    """The lines that are wanted as a file for spreadsheets, piece by piece."""
    lines = let_others_connect(read_all_lines(run, shares, **wanted))
    return write_rows(columns, (line[: len(columns)] for line in lines))
