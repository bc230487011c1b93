"""Uploads that run beside each other, and deliveries."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

import psycopg
from django.db import connections

from tests.storage.entries import PAYROLL, RECEIVED_AT, make_entry
from timesheets.models import Upload
from timesheets.storage.entries import Entry, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.places import NoPlace
from timesheets.trust.principals import MachineClient

REPORTING = replace(PAYROLL, client_id="reporting")
WRITERS = 10

Results = list[tuple[Entry, Verdict]]
Result = TypeVar("Result")


# What a receipt says before the entries are judged.
DELIVERED = attrgetter(
    *("label", "token_id", "request_id", "media_type", "byte_count", "sha256", "received", "hours_received")
)


def make_delivery(received: int, hours: object = 0, label: str | None = None) -> Upload:
    return Upload(
        label=label,
        token_id="token-1",
        request_id="5fd4",
        media_type="text/csv",
        byte_count=81234,
        sha256="9f86" * 16,
        received=received,
        hours_received=Decimal(str(hours)),
    )


def run_concurrently(work: Callable[[int], Results]) -> list[Results]:
    """The results of each writer. Each has its own connection, and all start at the same time."""
    barrier = threading.Barrier(WRITERS)

    def run(number: int) -> Results:
        barrier.wait(10)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as executor:
        return list(executor.map(run, range(WRITERS)))


def repeat_while_refused(store: Callable[[], Result]) -> Result:
    """What `store` returns. Its client may have its share of the pool, as a client that gets 503 for that."""
    while True:
        with suppress(NoPlace):
            return store()


@contextmanager
def uncommitted_upload(
    *entry_ids: str,
    client: MachineClient = PAYROLL,
    commit: bool = True,
    delivery: Upload | None = None,
) -> Iterator[None]:
    """An upload that has inserted its entries. Its transaction ends with the block."""
    inserted, may_end = threading.Event(), threading.Event()

    def wait(_: Any) -> bool:
        inserted.set()
        may_end.wait(10)
        return commit

    def run() -> None:
        try:
            entries = [make_entry(entry_id) for entry_id in entry_ids]
            ingest_upload(client, entries, RECEIVED_AT, delivery, commit_if=wait)
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as executor:
        upload: Future[None] = executor.submit(run)
        inserted.wait(10)
        try:
            yield
        finally:
            may_end.set()
            upload.result(10)


def insert_row(connection: psycopg.Connection[Any], entry_id: str) -> None:
    connection.execute(
        "INSERT INTO timesheets_timesheet (client_id, entry_id, user_id, date, project, hours, received_at)"
        " SELECT id, %s, '007', now(), 'StoreZero', 5, now() FROM timesheets_client",
        [entry_id],
    )
