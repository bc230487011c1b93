"""How far a list may go: exactly to the last id below which no upload can still add an entry."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from tests.database.conftest import Database, only_on
from tests.database.entries import PAYROLL, RECEIVED_AT, ingest, make_entry
from tests.database.test_reading import REPORTING, ids_go_on_after, upload_under_way
from timesheets.models import Client
from timesheets.storage.high_water_mark import ADVISORY_CLASS, find_high_water_mark
from timesheets.storage.ingest import ingest_entries


@pytest.fixture
def clients(database: Database) -> None:
    """Both exist, so that neither upload waits for the other to create its client."""
    for client in (PAYROLL, REPORTING):
        Client.objects.create(issuer=client.issuer, client_id=client.client_id)


def store_one() -> int:
    [verdict] = ingest(make_entry())
    return verdict.timesheet_id


@pytest.mark.usefixtures("database")
def test_no_id_is_settled_in_an_empty_table() -> None:
    assert find_high_water_mark() == 0


@pytest.mark.usefixtures("database")
def test_all_ids_are_settled_while_no_upload_is_under_way() -> None:
    last_id = store_one()

    assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("last_id", [1000, 2**31 - 2, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**33])
def test_ids_are_settled_exactly_up_to_the_one_that_an_upload_announced(last_id: int) -> None:
    with ids_go_on_after(last_id - 1):
        before = store_one()
        with upload_under_way("slow"):
            ingest(make_entry("fast"), client=REPORTING)

            assert before == last_id
            assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_no_id_is_settled_while_the_first_upload_ever_is_under_way() -> None:
    with ids_go_on_after(None), upload_under_way("slow"):
        ingest(make_entry("fast"), client=REPORTING)

        assert find_high_water_mark() == 0


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_the_lowest_of_several_announced_ids_counts() -> None:
    last_id = store_one()

    with upload_under_way("slow"), upload_under_way("slower", client=REPORTING):
        ingest(make_entry("fast"))

        assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("distance", [2**30, 2**30 + 1, 2**31 - 1])
def test_an_announced_id_counts_although_two_billion_were_given_since(distance: int) -> None:
    with ids_go_on_after(999):
        last_id = store_one()
        with upload_under_way("slow"), ids_go_on_after(last_id + distance - 1):
            highest_id = store_one()

            assert highest_id == last_id + distance
            assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize("unused_ids", [1, 2])
def test_an_upload_that_announced_a_higher_id_settles_nothing_beyond_the_last_entry(unused_ids: int) -> None:
    last_id = store_one()
    ingest_entries(PAYROLL, [make_entry()] * unused_ids, RECEIVED_AT, commit_if=lambda _: False)

    with upload_under_way("slow"):
        assert find_high_water_mark() == last_id


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_uploads_between_the_two_statements_of_a_reader_are_not_settled() -> None:
    last_id = store_one()

    with ExitStack() as uploads:
        statements = count_statements()

        def upload_before_the_second(execute: Any, sql: str, *arguments: Any) -> Any:
            if next(statements) == 2:
                uploads.enter_context(upload_under_way("slow"))
                with ExitStack() as fast:
                    fast.enter_context(upload_under_way("fast", client=REPORTING))
            return execute(sql, *arguments)

        with connection.execute_wrapper(upload_before_the_second):
            settled = find_high_water_mark()

        assert settled == last_id
        assert next(statements) == 3


def count_statements() -> Iterator[int]:
    yield from range(1, 100)


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_an_announcement_ends_with_its_transaction() -> None:
    ingest(make_entry("a"))

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)


def test_servers_of_all_versions_announce_in_one_class_of_locks() -> None:
    # Another class would hide the uploads of servers that still run the version before.
    assert ADVISORY_CLASS == 1953066341
