"""Many corrections in one batch, on both databases. Which verdict each gets is in test_revisions.py."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from tests.kit.default_database import Database
from tests.storage.entries import ingest, list_outcomes, make_entry
from timesheets.models import Timesheet
from timesheets.storage.entries import Entry, Outcome
from timesheets.storage.rows import TABLE

pytestmark = pytest.mark.usefixtures("database")

CREATED, EXISTING, SUPERSEDED = Outcome.CREATED, Outcome.EXISTING, Outcome.SUPERSEDED
CONFLICT, GAP, UNKNOWN = Outcome.CONFLICT, Outcome.REVISION_GAP, Outcome.UNKNOWN_ENTRY


def correct(
    revision: int, hours: object = 5, reason: str | None = None, key: str = "a", **changes: Any
) -> Entry:
    """A revision of the tutorial's entry."""
    if revision > 1 and reason is None:
        reason = f"reason {revision}"
    return make_entry(key, revision=revision, reason=reason, hours=Decimal(str(hours)), **changes)


def say(hours: object = 5, key: str = "a", **changes: Any) -> Entry:
    """The entry without a revision."""
    return make_entry(key, hours=Decimal(str(hours)), **changes)


# Hours 5, 6, 5 and 7 are the revisions 1 to 4.
HISTORY = [correct(1, 5), correct(2, 6), correct(3, 5), correct(4, 7)]


def store(entry: Entry) -> int:
    [verdict] = ingest(entry)
    assert verdict.outcome is CREATED
    return verdict.timesheet_id


def test_many_revisions_of_one_entry_fit_into_a_batch() -> None:
    entries = [say(5), *(correct(revision, 1 + revision % 20) for revision in range(2, 1_001))]

    verdicts = ingest(*reversed(entries))
    repeated = ingest(*entries)

    assert set(list_outcomes(verdicts)) == {CREATED}
    assert list_outcomes(repeated) == [SUPERSEDED, *[EXISTING] * (len(entries) - 1)]
    assert list(Timesheet.objects.order_by("id").values_list("revision", flat=True)) == [
        *range(1, len(entries) + 1)
    ]


def test_many_entries_of_one_key_read_its_revisions_once(database: Database) -> None:
    ingest(*(correct(revision, 5 + revision % 3) for revision in range(1, 202)))
    # The last one is equal to older rows, the others to none.
    entries = [say(24 - number / 100) for number in range(199)] + [say(6)]

    with transaction.atomic(), count_work(database.vendor) as count:
        verdicts = ingest(*entries)

    assert list_outcomes(verdicts) == [CONFLICT] * 199 + [SUPERSEDED]
    # To compare each entry with each revision takes 40,000.
    assert count() < 20_000


@contextmanager
def count_work(vendor: str) -> Iterator[Callable[[], int]]:
    """How many rows PostgreSQL reads in the transaction, or how many instructions SQLite executes."""
    if vendor == "postgresql":
        yield count_rows_read
        return
    steps = itertools.count()
    connection.connection.set_progress_handler(lambda: next(steps) < 0, 1)
    yield lambda: next(steps)
    connection.connection.set_progress_handler(None, 1)


def count_rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s", [TABLE]
        )
        return int(cursor.fetchone()[0])
