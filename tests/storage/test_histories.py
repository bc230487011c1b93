"""Reading corrected entries back: each row with its neighbors, what is current, and the state at an id."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.kit.default_database import only_on
from tests.storage.entries import PAYROLL, ingest, make_entry, own
from tests.storage.uploads import uncommitted_upload
from timesheets.models import Client
from timesheets.storage.queries import (
    NotSettled,
    StoredEntry,
    TimesheetQuery,
    find_timesheet,
    list_timesheets,
)

pytestmark = pytest.mark.usefixtures("database")


# The rows: `a` was corrected twice, `b` was withdrawn, `c` was restored, one has no `entry_id`.
NAMES = ["a1", "b1", "c1", "a2", "none", "b2", "c2", "a3", "c3"]


def store(name: str) -> int:
    """Store the revision of this name, and return the id of its row."""
    key, number = (None, 1) if name == "none" else (name[0], int(name[1]))
    correction = {"revision": number, "reason": "reason"} if number > 1 else {}
    [verdict] = ingest(make_entry(key, hours=Decimal(0 if name in ("b2", "c2") else 5), **correction))
    return verdict.timesheet_id


@pytest.fixture
def ids() -> dict[str, int]:
    return {name: store(name) for name in NAMES}


def read(page_size: int = 100, max_scanned: int = 100, **query: Any) -> Iterator[StoredEntry]:
    from_id: int | None = query.pop("from_id", 0)
    while from_id is not None:
        page = list_timesheets(
            own(), TimesheetQuery(**query, from_id=from_id), page_size, max_scanned=max_scanned
        )
        yield from page.timesheets
        from_id = page.next_id


def name_rows(ids: dict[str, int], **query: Any) -> list[str]:
    names = {row_id: name for name, row_id in ids.items()}
    return [names[row.timesheet_id] for row in read(**query)]


def test_a_row_names_its_neighbors(ids: dict[str, int]) -> None:
    rows = list(read(entry_id="a"))

    neighbors = [(row.supersedes, row.entry.revision, row.superseded_by) for row in rows]
    assert neighbors == [(None, 1, ids["a2"]), (ids["a1"], 2, ids["a3"]), (ids["a2"], 3, None)]
    assert [find_timesheet(own(), ids[name]) for name in ("a1", "a2", "a3")] == rows
    alone = find_timesheet(own(), ids["none"])
    assert alone is not None
    assert (alone.supersedes, alone.superseded_by) == (None, None)


@pytest.mark.parametrize("last", range(1, 10))
def test_the_state_at_an_id_is_what_a_reader_saw_then(last: int) -> None:
    ids: list[int] = []
    seen: dict[str, list[StoredEntry]] = {}
    queries: dict[str, dict[str, Any]] = {
        "all": {},
        "current": {"is_current": True},
        "history": {"entry_id": "a"},
        "filtered": {"user_ids": ["007"], "page_size": 2},
    }

    for name in NAMES:
        ids.append(store(name))
        if len(ids) == last:
            seen = {kind: list(read(**query)) for kind, query in queries.items()}

    as_of = ids[last - 1]
    assert {kind: list(read(**query, as_of=as_of)) for kind, query in queries.items()} == seen


@only_on("postgresql")
def test_a_state_is_not_settled_during_an_upload(ids: dict[str, int]) -> None:
    stranger = replace(PAYROLL, client_id="stranger")
    Client.objects.create(issuer=stranger.issuer, client_id=stranger.client_id)
    with uncommitted_upload("slow"):
        [verdict] = ingest(make_entry("fast"), client=stranger)

        assert name_rows(ids, as_of=ids["c3"]) == list(ids)
        with pytest.raises(NotSettled):
            list_timesheets(own(), TimesheetQuery(as_of=verdict.timesheet_id), 10)
    assert [row.entry.entry_id for row in read(as_of=verdict.timesheet_id)][-1] == "slow"
