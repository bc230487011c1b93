"""The lines of a stored run, and the file that they are in. Knows no HTTP."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, Self

from timesheets.models import Client, Run, RunLine
from timesheets_files.limits import ENTRY_ID

# The lines that are in memory together, and that are stored in one transaction of SQLite.
CHUNK_ROWS = 10_000
# An `entry_id` that can be a segment of a path.
LABEL = re.compile(rf"(?=[A-Za-z0-9]){ENTRY_ID.pattern}", re.ASCII)


class Line(NamedTuple):
    """A line as text. `held` is the reason, None if the line is paid."""

    user_id: str
    day: str
    project: str
    hours: str
    paid_before: str
    pays: str
    kind: str
    held: str | None
    client: str
    organization: str


# Of a line in the database, and in the responses to its own client.
COLUMNS = Line._fields[:-2]


@dataclass(kw_only=True)
class Share:
    """The lines of a client in a run: the position of the first one, and totals in hundredths of hours."""

    first: int = 0
    lines: int = 0
    hours: int = 0
    held: int = 0

    def add(self, pays: int, *, is_held: bool) -> None:
        self.lines += 1
        if is_held:
            self.held += pays
        else:
            self.hours += pays

    @classmethod
    def add_up(cls, shares: Iterable[Self]) -> Self:
        total = cls()
        for share in shares:
            total.lines += share.lines
            total.hours += share.hours
            total.held += share.held
        return total


# By the key of each client that has lines.
Shares = Mapping[int, Share]


def write_shares(shares: Shares) -> str:
    return json.dumps({owner_id: vars(share) for owner_id, share in shares.items()})


def read_shares(run: Run) -> Shares:
    return {int(owner_id): Share(**members) for owner_id, members in json.loads(run.shares).items()}


# Most days have the same few hours.
@lru_cache(maxsize=10_000)
def write_hours(hundredths: int) -> str:
    return f"{hundredths / 100:.2f}"


def write_rows(rows: Iterable[Sequence[str | None]]) -> bytes:
    """The rows as CSV, as the API writes it."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def read_page(
    run: Run, shares: Shares, from_position: int | None, page_size: int
) -> tuple[Sequence[Line], int | None]:
    """At most `page_size` lines of these shares, and the first position of the next page.

    They are in the order of the clients' present names. The position is None after the last page.
    """
    owners = Client.objects.in_bulk(list(shares))
    by_name = sorted(owners.values(), key=lambda owner: (owner.client_id, owner.organization, owner.pk))
    ranges = [
        range(shares[owner.pk].first, shares[owner.pk].first + shares[owner.pk].lines) for owner in by_name
    ]
    if from_position is not None:
        ranges = list(itertools.dropwhile(lambda positions: from_position not in positions, ranges))
        ranges[:1] = [range(from_position, positions.stop) for positions in ranges[:1]]
    positions = list(itertools.islice(itertools.chain(*ranges), page_size + 1))
    rows = RunLine.objects.filter(run_id=run.pk, position__in=positions[:page_size])
    lines = {
        position: _to_line(owners[owner_id], *cells)
        for position, owner_id, *cells in rows.values_list("position", "client_id", *COLUMNS)
    }
    next_position = positions[page_size] if len(positions) > page_size else None
    return [lines[position] for position in positions[:page_size]], next_position


def _to_line(owner: Client, user_id: str, day: date, project: str, *cells: Any) -> Line:
    *amounts, kind, held = cells
    hours, paid_before, pays = (f"{amount:.2f}" for amount in amounts)
    names = (owner.client_id, owner.organization)
    return Line(user_id, day.isoformat(), project, hours, paid_before, pays, kind, held, *names)


def read_lines(run: Run) -> Iterator[Line]:
    """All lines, in the order of the file."""
    owners = Client.objects.in_bulk(list(read_shares(run)))
    rows = RunLine.objects.filter(run_id=run.pk).order_by("position").values_list("client_id", *COLUMNS)
    for owner_id, *cells in rows.iterator(CHUNK_ROWS):
        yield _to_line(owners[owner_id], *cells)
