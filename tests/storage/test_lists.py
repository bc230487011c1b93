"""A list with any parameters has the rows that a plain filter finds, in either order, on both databases.

LIST_EXAMPLES is how many lists to try. The default is 150.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.default_database import Database
from tests.kit.examples import try_examples
from tests.storage.entries import EVERYTHING, PAYROLL, RECEIVED_AT, make_entry, own
from tests.storage.uploads import make_delivery
from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_timesheets
from timesheets.storage.rows import Reach, to_key
from timesheets.storage.scans import MAX_SCANS

STRANGER = replace(PAYROLL, client_id="stranger")
ACME = replace(PAYROLL, organization="org_acme")
# More than a page scans one by one.
MANY = [replace(PAYROLL, client_id="many", organization=f"org_{number}") for number in range(MAX_SCANS + 1)]
REACHES = [
    own(),
    EVERYTHING,
    *(Reach(own=None, client_ids=ids) for ids in (["payroll"], ["stranger", "payroll"], ["many"], ["none"])),
]
# More than one for each row.
MAX_PAGES = 200
DAY = timedelta(days=1)
TODAY = make_entry().date


def make_upload(number: int) -> list[Entry]:
    """A new entry, one without an id, and the next revision of "a" or "b". The third one withdraws it."""
    work = {"user_id": f"{number % 2}", "project": f"{number % 3}", "date": TODAY + number * DAY}
    revision = number // 2 + 1
    changes = {"revision": revision, "reason": "wrong", "hours": Decimal(revision != 3)}
    return [
        make_entry(f"new-{number}", **work),
        make_entry(None, **work),
        make_entry("ab"[number % 2], **work, **(changes if revision > 1 else {})),
    ]


def store_uploads() -> None:
    for number, client in itertools.product(range(12), (PAYROLL, STRANGER, ACME)):
        if client is PAYROLL or number < 4:
            ingest_upload(client, make_upload(number), RECEIVED_AT + number * DAY, make_delivery(3))
    for client in MANY:
        ingest_upload(client, [make_entry("a", user_id="0")], RECEIVED_AT, make_delivery(1))


def covers(reach: Reach, row: Timesheet) -> bool:
    if reach.own is not None:
        return (row.client.client_id, row.client.organization) == reach.own[1:]
    return not reach.client_ids or row.client.client_id in reach.client_ids


def filter_rows(rows: list[Timesheet], reach: Reach, query: TimesheetQuery) -> list[int]:
    """The ids of those rows, in order of id, that are in reach and that the query selects, in its order."""
    known = [row for row in rows if covers(reach, row) and (query.as_of is None or row.pk <= query.as_of)]
    current = {(row.client_id, row.entry_id or row.pk): row.pk for row in known}
    found = [
        row.pk
        for row in known
        if (not query.user_ids or row.user_id in query.user_ids)
        and (not query.projects or row.project in query.projects)
        and (query.date_from is None or row.date >= query.date_from)
        and (query.date_to is None or row.date < query.date_to)
        and (query.received_since is None or row.received_at >= query.received_since)
        and query.entry_id in (None, row.entry_id)
        and query.upload_id in (None, row.upload_id)
        and (not query.is_current or (row.hours and current[row.client_id, row.entry_id or row.pk] == row.pk))
    ]
    if query.from_id is not None:
        found = [pk for pk in found if (pk <= query.from_id if query.newest_first else pk >= query.from_id)]
    return sorted(found, reverse=query.newest_first)


def read_pages(
    reach: Reach, query: TimesheetQuery, page_size: int, max_scanned: int
) -> Iterator[list[StoredEntry]]:
    for _ in range(MAX_PAGES):
        page = list_timesheets(reach, query, page_size, max_scanned=max_scanned)
        yield list(page.timesheets)
        if page.next_id is None:
            return
        query = replace(query, from_id=page.next_id)
    pytest.fail("The pages do not end.")


def sometimes(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | values


days = st.integers(-1, 13)
queries = st.builds(
    TimesheetQuery,
    user_ids=st.lists(st.sampled_from("012"), max_size=3),
    projects=st.lists(st.sampled_from("0123"), max_size=3),
    date_from=sometimes(days.map(lambda day: TODAY + day * DAY)),
    date_to=sometimes(days.map(lambda day: TODAY + day * DAY)),
    received_since=sometimes(days.map(lambda day: RECEIVED_AT + day * DAY)),
    entry_id=sometimes(st.sampled_from(["a", "b", "new-3"])),
    is_current=st.booleans(),
    newest_first=st.booleans(),
)


@try_examples("LIST_EXAMPLES", 150)
@given(
    reach=st.sampled_from(REACHES),
    data=st.data(),
    query=queries,
    page_size=st.sampled_from([3, 100]),
    limit=st.sampled_from([10, 60]),
)
def test_the_pages_together_are_what_a_plain_filter_finds(
    database: Database,
    reach: Reach,
    data: st.DataObject,
    query: TimesheetQuery,
    page_size: int,
    limit: int,
) -> None:
    if not Timesheet.objects.exists():
        store_uploads()
    rows = list(Timesheet.objects.select_related("client").order_by("id"))
    ids = [row.pk for row in rows]
    query = replace(
        query,
        as_of=data.draw(sometimes(st.sampled_from(ids))),
        upload_id=data.draw(sometimes(st.sampled_from([row.upload_id for row in rows]))),
        # Also ids that are not in reach, and ids that do not exist.
        from_id=data.draw(sometimes(st.integers(ids[0] - 1, ids[-1] + 5))),
    )

    pages = list(read_pages(reach, query, page_size, limit))

    found = [stored for page in pages for stored in page]
    assert [stored.timesheet_id for stored in found] == filter_rows(rows, reach, query)
    owners = {row.pk: row.client for row in rows}
    assert all(
        stored.owner == (to_key(owners[stored.timesheet_id]) if reach.own is None else None)
        for stored in found
    )
    assert all(len(page) <= page_size for page in pages)
