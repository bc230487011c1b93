"""Describe everybody's week for a page: the rows that fit on it, and the sums of all people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from timesheets.formats.days import Week
from timesheets.renderers import CLIENT_COLUMNS, PERSON_COLUMNS
from timesheets.storage.missing import Person, Status

# In bytes of HTML: a page has 100 kB, with suggestions. A row has names, and a link for each day with hours.
_ROOM, _ROW, _LINK = 76_000, 550, 95


def describe_people(people: Sequence[Person], week: Week, *, names_clients: bool) -> dict[str, Any]:
    """The `lines` of the first people, how many are `left_out`, and what all of them add up to."""
    rows = list(_list_rows(people, week, names_clients=names_clients))
    counts = Counter(person.status for person in people)
    return {
        "lines": rows,
        "left_out": len(people) - len(rows),
        "counts": [(status, counts[status]) for status in Status if status in counts],
        "unlisted": counts[Status.UNLISTED],
        "has_list": bool(counts.keys() - {Status.UNLISTED}),
        "sums": [sum(hours, Decimal()) for hours in zip(*(each.days for each in people), strict=True)],
        "hours": sum((each.hours for each in people), Decimal()),
        "expected": sum((each.expected or 0 for each in people), Decimal()),
    }


def _list_rows(people: Iterable[Person], week: Week, *, names_clients: bool) -> Iterator[dict[str, Any]]:
    """As many people as fit, each with the `query` that selects their entries and the `days` of the week."""
    room = _ROOM
    for person in people:
        owner = {"client": person.client.client_id} if names_clients else {}
        query = urlencode({"user_id": person.user_id, **owner})
        links = sum(map(bool, person.days))
        room -= _ROW + 3 * len(query + person.client.organization) + links * (_LINK + len(query))
        if room < 0:
            return
        yield {"person": person, "query": query, "days": zip(person.days, week.days, strict=True)}


def list_cells(people: Iterable[Person], week: Week) -> tuple[Sequence[str], Iterator[Sequence[object]]]:
    """The columns of a file and its rows, one for each person."""
    columns = (*PERSON_COLUMNS, *CLIENT_COLUMNS, *map(str, week.days))
    rows = (
        (each.user_id, each.hours, each.expected, each.status, *each.client[1:], *each.days)
        for each in people
    )
    return columns, rows
