"""Reading corrected entries back: each row with its neighbors, what is current, and the state at an id."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.kit.default_database import only_on
from tests.storage.entries import PAYROLL, ingest, make_entry
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


def store(key: str | None, hours: int, revision: int | None = None, **changes: Any) -> int:
    reason = "reason" if revision else None
    [verdict] = ingest(make_entry(key, hours=Decimal(hours), revision=revision, reason=reason, **changes))
    return verdict.timesheet_id


@pytest.fixture
def ids() -> dict[str, int]:
    """The rows: `a` was corrected twice, `b` was withdrawn, `c` was restored, one has no `entry_id`."""
    names = ["a1", "b1", "c1", "a2", "none", "b2", "c2", "a3", "c3"]
    hours = {"b2": 0, "c2": 0}
    rows = {}
    for name in names:
        key, revision = (None, None) if name == "none" else (name[0], int(name[1]))
        rows[name] = store(key, hours.get(name, 5), revision if revision and revision > 1 else None)
    return rows


def read(page_size: int = 100, max_scanned: int = 100, **query: Any) -> Iterator[StoredEntry]:
    from_id: int | None = query.pop("from_id", 0)
    while from_id is not None:
        page = list_timesheets(
            PAYROLL, TimesheetQuery(**query, from_id=from_id), page_size, max_scanned=max_scanned
        )
        yield from page.timesheets
        from_id = page.next_id


def name_rows(ids: dict[str, int], **query: Any) -> list[str]:
    names = {row_id: name for name, row_id in ids.items()}
    return [names[row.timesheet_id] for row in read(**query)]


def test_a_row_names_its_neighbors(ids: dict[str, int]) -> None:
    first, second, third = (find_timesheet(PAYROLL, ids[name]) for name in ("a1", "a2", "a3"))

    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.supersedes, first.superseded_by) == (None, ids["a2"])
    assert (second.supersedes, second.superseded_by) == (ids["a1"], ids["a3"])
    assert (third.supersedes, third.superseded_by) == (ids["a2"], None)
    assert [row.entry.revision for row in (first, second, third)] == [1, 2, 3]
    assert list(read(entry_id="a")) == [first, second, third]


def test_an_entry_without_an_id_has_no_neighbors(ids: dict[str, int]) -> None:
    row = find_timesheet(PAYROLL, ids["none"])

    assert row is not None
    assert (row.supersedes, row.superseded_by) == (None, None)


def test_the_list_is_the_feed_of_all_rows(ids: dict[str, int]) -> None:
    assert name_rows(ids) == list(ids)
    assert name_rows(ids, page_size=2) == list(ids)


def test_the_current_rows_are_neither_superseded_nor_withdrawn(ids: dict[str, int]) -> None:
    assert name_rows(ids, is_current=True) == ["none", "a3", "c3"]
    assert name_rows(ids, is_current=True, entry_id="a") == ["a3"]
    assert name_rows(ids, is_current=True, entry_id="b") == []
    assert name_rows(ids, is_current=True, page_size=1, max_scanned=2) == ["none", "a3", "c3"]


@pytest.mark.parametrize("last", range(1, 10))
def test_the_state_at_an_id_is_what_a_reader_saw_then(last: int) -> None:
    names = ["a1", "b1", "c1", "a2", "none", "b2", "c2", "a3", "c3"]
    ids: dict[str, int] = {}
    seen: dict[str, list[StoredEntry]] = {}
    queries: dict[str, dict[str, Any]] = {
        "all": {},
        "current": {"is_current": True},
        "history": {"entry_id": "a"},
        "filtered": {"user_ids": ["007"], "page_size": 2},
    }

    for number, name in enumerate(names, start=1):
        key = None if name == "none" else name[0]
        revision = None if key is None or name[1] == "1" else int(name[1])
        ids[name] = store(key, 0 if name in ("b2", "c2") else 5, revision)
        if number == last:
            seen = {kind: list(read(**query)) for kind, query in queries.items()}

    as_of = ids[names[last - 1]]
    assert {kind: list(read(**query, as_of=as_of)) for kind, query in queries.items()} == seen


def test_pages_of_a_state_end_with_it(ids: dict[str, int]) -> None:
    as_of = ids["c2"]

    assert name_rows(ids, as_of=as_of, page_size=1, max_scanned=3) == list(ids)[:7]
    assert name_rows(ids, as_of=as_of, page_size=1, max_scanned=1, user_ids=["none"]) == []
    assert name_rows(ids, as_of=as_of, page_size=1, entry_id="a") == ["a1", "a2"]


def test_the_revisions_of_an_entry_are_read_in_pages(ids: dict[str, int]) -> None:
    store("a", 8, 4)
    store("a", 9, 5)

    revisions = [row.entry.revision for row in read(entry_id="a", page_size=2)]
    found = [
        row.entry.revision for row in read(entry_id="a", page_size=1, max_scanned=2, projects=["StoreZero"])
    ]
    missing = list(read(entry_id="a", page_size=1, max_scanned=2, projects=["none"]))

    assert revisions == found == [1, 2, 3, 4, 5]
    assert missing == []


@pytest.mark.parametrize("start", ["a1", "b1", "none", "a3", "c3"])
def test_a_page_of_revisions_starts_at_any_id(ids: dict[str, int], start: str) -> None:
    expected = [name for name in ids if name[0] == "a" and ids[name] >= ids[start]]

    assert name_rows(ids, entry_id="a", from_id=ids[start]) == expected


@pytest.mark.parametrize("entry_id", ["a", "unknown", None])
def test_a_state_that_is_not_settled_is_refused(ids: dict[str, int], entry_id: str | None) -> None:
    for as_of in (0, -1, ids["c3"] + 1, 2**63 - 1):
        with pytest.raises(NotSettled):
            list_timesheets(PAYROLL, TimesheetQuery(as_of=as_of, entry_id=entry_id), 10)


@only_on("postgresql")
def test_a_state_is_not_settled_during_an_upload(ids: dict[str, int]) -> None:
    stranger = replace(PAYROLL, client_id="stranger")
    Client.objects.create(issuer=stranger.issuer, client_id=stranger.client_id)
    with uncommitted_upload("slow"):
        [verdict] = ingest(make_entry("fast"), client=stranger)

        assert name_rows(ids, as_of=ids["c3"]) == list(ids)
        with pytest.raises(NotSettled):
            list_timesheets(PAYROLL, TimesheetQuery(as_of=verdict.timesheet_id), 10)
    assert [row.entry.entry_id for row in read(as_of=verdict.timesheet_id)][-1] == "slow"
