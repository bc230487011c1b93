"""The employees, projects and days that a client may add hours for: read a list, look an entry up in it."""

import io
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, BinaryIO

from django.db.models import Exists, OuterRef, QuerySet

from timesheets.models import AssignmentList
from timesheets.storage.policy_files import find_text_faults, read_policy
from timesheets.trust.principals import ClientKey

# The value of TIMESHEETS_ASSIGNMENTS with which a client without a list may add nothing.
REQUIRED = "required"
COLUMNS = ("user_id", "project", "from", "to", "hours_per_week")
MAX_HOURS_PER_WEEK = 168

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HOURS = re.compile(r"\d{1,3}(\.\d{1,2})?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """A row of a list. An empty text, a missing day or missing hours mean any. Both days are included."""

    user_id: str
    project: str
    first_day: date | None
    last_day: date | None
    hours_per_week: Decimal | None


class Assignments:
    """Answers, for a list of any length, whether an entry is inside."""

    def __init__(self, rows: Iterable[Assignment], list_id: int | None = None) -> None:
        self.list_id = list_id
        # What gates without a window have found out.
        self.inside: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        periods: dict[str, dict[str, list[tuple[date, date]]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            period = (row.first_day or date.min, row.last_day or date.max)
            periods[row.user_id][row.project].append(period)
        self._starts_and_ends = {
            user_id: {project: _arrange(each) for project, each in projects.items()}
            for user_id, projects in periods.items()
        }

    def list_pairs(self) -> list[tuple[str, str]]:
        """The employee and the project of each row, once."""
        return [
            (user_id, project) for user_id, projects in self._starts_and_ends.items() for project in projects
        ]

    def find_fault(self, user_id: str, project: str, day: date) -> str | None:
        """The member of the entry that no row matches; None if the entry is inside."""
        if self.find_period(user_id, project, day) is not None:
            return None
        found = [self._starts_and_ends[name] for name in (user_id, "") if name in self._starts_and_ends]
        if not found:
            return "user_id"
        return "date" if any(name in each for each in found for name in (project, "")) else "project"

    def find_period(self, user_id: str, project: str, day: date) -> tuple[date, date] | None:
        """The first and the last day of a period around the day in which such entries are inside."""
        found = (self._starts_and_ends.get(name, {}) for name in (user_id, ""))
        periods = (each[name] for each in found for name in (project, "") if name in each)
        return next(filter(None, (_find_period(each, day) for each in periods)), None)


def _arrange(periods: list[tuple[date, date]]) -> tuple[Sequence[date], Sequence[date]]:
    """The first days in order, and for each the latest last day of the periods so far."""
    firsts, lasts = zip(*sorted(periods), strict=True)
    return firsts, list(accumulate(lasts, max))


def _find_period(periods: tuple[Sequence[date], Sequence[date]], day: date) -> tuple[date, date] | None:
    firsts, lasts = periods
    position = bisect_right(firsts, day) - 1
    return (firsts[position], lasts[position]) if position >= 0 and day <= lasts[position] else None


def read_assignments(file: BinaryIO) -> list[Assignment]:
    """The rows of a CSV file. Raises PolicyFileWrong with all errors."""
    return read_policy(file, COLUMNS, _read_row, required=("user_id",))


def _read_row(cells: dict[str, str]) -> tuple[Assignment, list[str]]:
    texts = {name: cells.get(name, "") for name in ("user_id", "project")}
    faults = list(find_text_faults(texts))
    first, last = (_read_day(name, cells.get(name, ""), faults) for name in ("from", "to"))
    if first and last and first > last:
        faults.append("to: is before from")
    hours = _read_hours(cells.get("hours_per_week", ""), faults)
    return Assignment(**texts, first_day=first, last_day=last, hours_per_week=hours), faults


def _read_day(name: str, text: str, faults: list[str]) -> date | None:
    with suppress(ValueError):
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    if text:
        faults.append(f"{name}: is not a date such as 2026-05-01")
    return None


def _read_hours(text: str, faults: list[str]) -> Decimal | None:
    hours = Decimal(text) if _HOURS.fullmatch(text) else None
    if text and (hours is None or not 0 < hours <= MAX_HOURS_PER_WEEK):
        faults.append("hours_per_week: must be above 0 and at most 168, with at most two places")
    return hours


def find_newest_lists(**selection: Any) -> QuerySet[AssignmentList]:
    """The lists that count, of the clients that the look-ups select."""
    names = ("issuer", "client_id", "organization")
    newer = AssignmentList.objects.filter(**{name: OuterRef(name) for name in names}, id__gt=OuterRef("id"))
    return AssignmentList.objects.filter(~Exists(newer), **selection, content__isnull=False)


def find_newest_list(client: ClientKey) -> AssignmentList | None:
    """The list that counts. None without one, or if it was removed."""
    return find_newest_lists(**client._asdict()).first()


def parse_list(newest: AssignmentList) -> list[Assignment]:
    return read_assignments(io.BytesIO((newest.content or "").encode()))


def write_rows(rows: Iterable[Assignment]) -> Iterator[str]:
    """The rows as CSV, without the quotes that commas would need."""
    for row in rows:
        cells = (row.user_id, row.project, row.first_day, row.last_day, row.hours_per_week)
        yield ",".join("" if cell is None else str(cell) for cell in cells)
