"""Corrections: each row of the table of statuses, on both databases."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from tests.kit.default_database import Database
from tests.storage.entries import ingest, list_outcomes, make_entry, read_entry
from timesheets.models import Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.rows import TABLE
from timesheets.storage.verdicts import Outcome, Verdict

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


# Instead of an id: the row that is created.
NEW = -1
# What is stored and sent, and the verdict, with revisions in place of ids.
CASES = [
    pytest.param([], say(), Verdict(CREATED, NEW), id="unspecified-unknown"),
    pytest.param([], correct(1), Verdict(CREATED, NEW), id="1-unknown"),
    pytest.param([1], say(5), Verdict(EXISTING, 1), id="unspecified-equal-to-the-only-row"),
    pytest.param([1, 2], say(6), Verdict(EXISTING, 2), id="unspecified-equal-to-current"),
    pytest.param(
        [1, 2],
        say(5),
        Verdict(SUPERSEDED, 1, superseded_by=2, current_revision=2),
        id="unspecified-equal-to-older",
    ),
    pytest.param(
        [1, 2, 3, 4],
        say(5),
        Verdict(SUPERSEDED, 3, superseded_by=4, current_revision=4),
        id="unspecified-equal-to-two-older-rows",
    ),
    pytest.param([1], say(8), Verdict(CONFLICT, 1), id="unspecified-equal-to-none-of-one"),
    pytest.param(
        [1, 2, 3], say(8), Verdict(CONFLICT, 3, current_revision=3), id="unspecified-equal-to-none-of-many"
    ),
    pytest.param([1], correct(1), Verdict(EXISTING, 1), id="1-equal"),
    pytest.param([1, 2, 3], correct(1), Verdict(EXISTING, 1), id="1-equal-superseded"),
    pytest.param([1], correct(1, 8), Verdict(CONFLICT, 1), id="1-different"),
    pytest.param(
        [1, 2], correct(1, 8), Verdict(CONFLICT, 1, current_revision=2), id="1-different-superseded"
    ),
    pytest.param([1, 2], correct(2, 6), Verdict(EXISTING, 2), id="2-equal"),
    pytest.param([1, 2, 3], correct(2, 6), Verdict(EXISTING, 2), id="2-equal-superseded"),
    pytest.param([1, 2], correct(2, 8), Verdict(CONFLICT, 2, current_revision=2), id="2-different-content"),
    pytest.param(
        [1, 2],
        correct(2, 6, "another reason"),
        Verdict(CONFLICT, 2, current_revision=2),
        id="2-different-reason",
    ),
    pytest.param(
        [1, 2, 3],
        correct(2, 6, "another reason"),
        Verdict(CONFLICT, 2, current_revision=3),
        id="2-different-reason-superseded",
    ),
    pytest.param([1], correct(2, 6), Verdict(CREATED, NEW, supersedes=1), id="2-after-1"),
    pytest.param([1], correct(2, 5), Verdict(CREATED, NEW, supersedes=1), id="2-with-the-content-of-1"),
    pytest.param([1, 2, 3], correct(4, 0), Verdict(CREATED, NEW, supersedes=3), id="withdrawal"),
    pytest.param([1], correct(3), Verdict(GAP, 1, current_revision=1), id="gap-after-1"),
    pytest.param([1, 2], correct(1_000), Verdict(GAP, 2, current_revision=2), id="highest"),
    pytest.param([], correct(2), Verdict(UNKNOWN, 0), id="2-unknown"),
]


@pytest.mark.parametrize("neighbors", [pytest.param(False, id="alone"), pytest.param(True, id="in-a-batch")])
@pytest.mark.parametrize(("stored", "sent", "expected"), CASES)
def test_an_entry_gets_the_verdict_of_the_table(
    stored: Sequence[int], sent: Entry, expected: Verdict, neighbors: bool
) -> None:
    ids: dict[int | None, int] = {revision: store(HISTORY[revision - 1]) for revision in stored}
    others = [make_entry(), make_entry("b"), correct(2, key="b")] if neighbors else []

    verdict = ingest(*others, sent)[-1]

    rows = Timesheet.objects.filter(entry_id="a").count()
    if expected.outcome is CREATED:
        ids[NEW] = verdict.timesheet_id
        assert verdict.timesheet_id == max(ids.values())
        assert read_entry(verdict.timesheet_id) == sent._replace(revision=row_revision(sent))
    assert rows == len(stored) + (expected.outcome is CREATED)
    assert verdict == expected._replace(
        timesheet_id=ids.get(expected.timesheet_id, 0),
        supersedes=ids.get(expected.supersedes),
        superseded_by=ids.get(expected.superseded_by),
    )


def row_revision(entry: Entry) -> int | None:
    return None if entry.revision == 1 else entry.revision


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
