"""Ten concurrent writers: no entry is lost or duplicated, and no writer gets an error because of another."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from threading import Event
from typing import Any, TypeVar

import psycopg
import pytest
from django.db import OperationalError

from tests.kit.default_database import Database, only_on
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.waiting import wait_until
from tests.storage.entries import (
    PAYROLL,
    ingest,
    list_outcomes,
    make_entry,
    read_entry,
)
from tests.storage.invariants import (
    require_dense_revisions,
    require_truth_of_verdicts,
)
from tests.storage.uploads import (
    WRITERS,
    Results,
    insert_row,
    repeat_while_refused,
    run_concurrently,
)
from timesheets.models import Timesheet
from timesheets.storage.entries import Entry, Outcome

pytestmark = pytest.mark.usefixtures("database")

# The first revision need not be specified.
REVISIONS: list[dict[str, Any]] = [{}, *({"revision": number, "reason": "x"} for number in (2, 3, 4))]
ENTRY_IDS = [f"2017-05-10:{number:03}" for number in range(200)]
CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT

Item = TypeVar("Item")


def upload(*entries: Entry) -> Results:
    verdicts = repeat_while_refused(lambda: ingest(*entries))
    return list(zip(entries, verdicts, strict=True))


def in_batches(size: int) -> Callable[[list[Entry]], Results]:
    def upload_all(entries: list[Entry]) -> Results:
        starts = range(0, len(entries), size)
        return list(chain.from_iterable(upload(*entries[start : start + size]) for start in starts))

    return upload_all


def in_batches_and_one_by_one(entries: list[Entry]) -> Results:
    return [*in_batches(60)(entries[:180]), *in_batches(1)(entries[180:])]


def shuffle(entries: list[Item], writer: int) -> list[Item]:
    return random.Random(writer).sample(entries, len(entries))  # noqa: S311  Not a secret.


BATCHINGS = [
    pytest.param(in_batches(200), id="in-one-batch"),
    pytest.param(in_batches(20), id="in-batches-of-20"),
    pytest.param(in_batches_and_one_by_one, id="in-batches-and-one-by-one"),
]


@pytest.mark.parametrize("upload_all", BATCHINGS)
def test_entries_that_every_writer_sends_are_created_once(
    upload_all: Callable[[list[Entry]], Results],
) -> None:
    entries = [make_entry(entry_id) for entry_id in ENTRY_IDS]

    results = run_concurrently(lambda writer: upload_all(shuffle(entries, writer)))

    outcomes = Counter(verdict.outcome for _, verdict in chain.from_iterable(results))
    reported = {(entry.entry_id, verdict.timesheet_id) for entry, verdict in chain.from_iterable(results)}
    assert outcomes == {CREATED: 200, EXISTING: 200 * (WRITERS - 1)}
    assert reported == set(Timesheet.objects.values_list("entry_id", "id"))


@pytest.mark.parametrize("upload_all", BATCHINGS)
def test_of_different_revisions_with_one_number_the_first_is_kept(
    upload_all: Callable[[list[Entry]], Results], caplog: pytest.LogCaptureFixture
) -> None:
    def upload_own(writer: int) -> Results:
        own = [
            make_entry(entry_id, hours=Decimal(writer + 1), **revision)
            for revision in REVISIONS
            for entry_id in shuffle(ENTRY_IDS[:50], writer)
        ]
        return upload_all(own)

    results = list(chain.from_iterable(run_concurrently(upload_own)))

    outcomes = Counter((entry.entry_id, entry.revision, verdict.outcome) for entry, verdict in results)
    assert outcomes == {
        (entry_id, revision.get("revision"), outcome): count
        for entry_id in ENTRY_IDS[:50]
        for revision in REVISIONS
        for outcome, count in [(CREATED, 1), (CONFLICT, WRITERS - 1)]
    }
    require_truth_of_verdicts((PAYROLL, entry, verdict) for entry, verdict in results)
    require_dense_revisions()
    assert "deadlock" not in caplog.text


@contextmanager
def competing_transaction(
    postgresql: PostgreSQLServer, database: Database, *entry_ids: str
) -> Iterator[None]:
    """Insert these in another transaction: the first now, and each other when a session waits for a lock.

    The transaction is rolled back at the end. Its deadlock timeout is long, so that PostgreSQL aborts the
    upload and not this transaction.
    """
    uploaded = Event()

    def is_awaited() -> bool:
        # A retried upload can be faster than this transaction, and then nothing waits any more.
        return uploaded.is_set() or bool(postgresql.execute("SELECT 1 FROM pg_locks WHERE NOT granted"))

    with psycopg.connect(database.url) as competitor, ThreadPoolExecutor(1) as executor:
        competitor.execute("SET deadlock_timeout = '1min'")
        insert_row(competitor, entry_ids[0])

        def insert_others() -> None:
            for entry_id in entry_ids[1:]:
                wait_until(is_awaited)
                insert_row(competitor, entry_id)
            competitor.rollback()

        inserted = executor.submit(insert_others)
        yield
        uploaded.set()
        inserted.result(60)


@only_on("postgresql")
def test_a_deadlock_is_retried(
    postgresql: PostgreSQLServer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ingest(make_entry("first"))

    with competing_transaction(postgresql, database, "b", "a"):
        verdicts = ingest(make_entry("a"), make_entry("b"))

    assert list_outcomes(verdicts) == [CREATED, CREATED]
    assert [read_entry(verdict.timesheet_id).entry_id for verdict in verdicts] == ["a", "b"]
    assert "once after a deadlock" in caplog.text


@only_on("postgresql")
@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(["b", "a"], id="small"),
        pytest.param(["b", "a", *(f"2017-{number:03}" for number in range(100))], id="copied"),
    ],
)
def test_entries_are_inserted_in_order_of_entry_id_so_that_batches_do_not_deadlock(
    postgresql: PostgreSQLServer, database: Database, caplog: pytest.LogCaptureFixture, batch: list[str]
) -> None:
    ingest(make_entry("first"))

    with competing_transaction(postgresql, database, "a", "b"):
        verdicts = ingest(*map(make_entry, batch))

    assert set(list_outcomes(verdicts)) == {CREATED}
    assert "deadlock" not in caplog.text


@only_on("postgresql")
def test_a_second_deadlock_raises_and_nothing_is_stored(
    postgresql: PostgreSQLServer, database: Database
) -> None:
    ingest(make_entry("first"))

    with (
        competing_transaction(postgresql, database, "c", "b", "a"),
        pytest.raises(OperationalError, match="deadlock detected"),
    ):
        ingest(make_entry("a"), make_entry("b"), make_entry("c"))

    assert Timesheet.objects.count() == 1
