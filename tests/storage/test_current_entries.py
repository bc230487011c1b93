"""Entries that state what is current: each row of the table of statuses, on both databases."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, pairwise

import pytest
from django.db import connections

from tests.kit.default_database import only_on
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.waiting import wait_until
from tests.storage.entries import PAYROLL, RECEIVED_AT, ingest, list_outcomes, make_entry, read_entry
from tests.storage.invariants import require_dense_revisions, require_receipts_of_rows
from tests.storage.test_corrections import HISTORY, correct, say, store
from tests.storage.uploads import (
    WRITERS,
    Results,
    make_delivery,
    repeat_while_refused,
    run_concurrently,
    uncommitted_upload,
)
from timesheets.models import Timesheet, Upload
from timesheets.storage.corrections import store_as_current
from timesheets.storage.entries import Entry, Outcome, StoredRevision, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets_files.limits import MAX_REVISION

pytestmark = pytest.mark.usefixtures("database")

CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT
NOTHING, NO_REASON = Outcome.NOTHING_TO_WITHDRAW, Outcome.REASON_MISSING
NO_SCOPE, TOO_MANY = Outcome.INSUFFICIENT_SCOPE, Outcome.TOO_MANY_REVISIONS
STORE = partial(store_as_current, may_correct=True)


def state(*entries: Entry, may_correct: bool = True) -> list[Verdict]:
    return ingest_upload(
        PAYROLL, entries, RECEIVED_AT, store=partial(store_as_current, may_correct=may_correct)
    ).verdicts


CASES = [
    pytest.param([], say(5), True, CREATED, id="unknown"),
    pytest.param([], say(5, reason="ignored"), False, CREATED, id="unknown-without-the-scope"),
    pytest.param([], say(0, reason="late"), True, NOTHING, id="unknown-with-0-hours"),
    pytest.param([1], say(5, reason="ignored"), False, EXISTING, id="equal-to-the-only-row"),
    pytest.param([1, 2], say(6), True, EXISTING, id="equal-to-current"),
    pytest.param([1], say(8, reason="late"), True, CREATED, id="different-from-the-only-row"),
    pytest.param([1, 2, 3], say(6, reason="late"), True, CREATED, id="equal-to-an-older-row"),
    pytest.param([1, 2], say(0, reason="late"), True, CREATED, id="withdrawal"),
    pytest.param([1], say(8), True, NO_REASON, id="without-a-reason"),
    pytest.param([1], say(8), False, NO_REASON, id="without-a-reason-and-the-scope"),
    pytest.param([1, 2], say(8, reason="late"), False, NO_SCOPE, id="without-the-scope"),
]


@pytest.mark.parametrize("neighbors", [pytest.param(False, id="alone"), pytest.param(True, id="in-a-batch")])
@pytest.mark.parametrize(("stored", "sent", "may_correct", "outcome"), CASES)
def test_an_entry_gets_the_verdict_of_the_table(
    stored: Sequence[int], sent: Entry, may_correct: bool, outcome: Outcome, neighbors: bool
) -> None:
    ids = [store(HISTORY[revision - 1]) for revision in stored]
    others = [make_entry("b"), make_entry("c")] if neighbors else []

    verdict = state(*others, sent, may_correct=may_correct)[-1]

    rows = Timesheet.objects.filter(entry_id="a").order_by("revision")
    is_correction = bool(stored) and outcome is CREATED
    assert verdict.outcome is outcome
    assert [row.pk for row in rows[: len(ids)]] == ids
    assert len(rows) == len(stored) + (outcome is CREATED)
    assert verdict.timesheet_id == (rows[len(rows) - 1].pk if outcome in {CREATED, EXISTING} else 0)
    assert verdict.supersedes == (ids[-1] if is_correction else None)
    if outcome is CREATED:
        revision = len(stored) + 1 if is_correction else None
        reason = sent.reason if is_correction else None
        assert read_entry(verdict.timesheet_id) == sent._replace(revision=revision, reason=reason)
    assert (verdict.corrects is not None) == is_correction
    if verdict.corrects is not None:
        assert verdict.corrects.timesheet_id == ids[-1]
        assert verdict.corrects.entry.has_content_of(HISTORY[stored[-1] - 1])


@pytest.mark.parametrize(
    ("stored", "may_correct", "sent", "outcomes", "revision"),
    [
        pytest.param(
            [],
            True,
            [say(0, reason="x"), say(5), say(5), say(0, reason="x"), say(6, reason="x")],
            [NOTHING, CREATED, EXISTING, CONFLICT, CONFLICT],
            1,
            id="unknown",
        ),
        pytest.param(
            [1],
            True,
            [say(8), say(6, reason="x"), say(6), say(7, reason="x"), say(5), say(7)],
            [NO_REASON, CREATED, EXISTING, CONFLICT, CONFLICT, CONFLICT],
            2,
            id="corrected",
        ),
        pytest.param([1, 2], True, [say(6), say(7, reason="x")], [EXISTING, CONFLICT], 2, id="equal"),
        pytest.param(
            [1],
            False,
            [say(7, reason="x"), say(5), say(7, reason="x")],
            [NO_SCOPE, EXISTING, CONFLICT],
            1,
            id="without-the-scope",
        ),
    ],
)
def test_the_first_accepted_entry_of_a_batch_decides_about_its_repetitions(
    stored: Sequence[int],
    may_correct: bool,
    sent: Sequence[Entry],
    outcomes: Sequence[Outcome],
    revision: int,
) -> None:
    for number in stored:
        store(HISTORY[number - 1])

    verdicts = state(*sent, may_correct=may_correct)

    current = Timesheet.objects.latest("id")
    assert list_outcomes(verdicts) == outcomes
    assert current.revision == revision
    for verdict in verdicts:
        is_about_a_row = verdict.outcome in {CREATED, EXISTING, CONFLICT}
        assert verdict.timesheet_id == (current.pk if is_about_a_row else 0)
        is_told = verdict.outcome is CONFLICT and revision > 1
        assert verdict.current_revision == (revision if is_told else None)


def test_a_withdrawn_entry_is_restored() -> None:
    for entry in (say(5), correct(2, 0)):
        store(entry)

    [existing, restored] = [state(say(hours, reason="late"))[0] for hours in (0, 5)]

    assert [existing.outcome, restored.outcome] == [EXISTING, CREATED]
    assert restored.supersedes == existing.timesheet_id


def test_an_entry_has_at_most_a_thousand_revisions() -> None:
    ingest(*(correct(revision, 5 + revision % 2) for revision in range(1, MAX_REVISION)))
    [last] = state(say(7, reason="the last one"))

    refused, existing = state(say(8, reason="late"), say(7))
    [unauthorized] = state(say(8, reason="late"), may_correct=False)

    assert (last.outcome, existing.outcome, unauthorized.outcome) == (CREATED, EXISTING, NO_SCOPE)
    assert refused == Verdict(outcome=TOO_MANY, timesheet_id=last.timesheet_id, current_revision=MAX_REVISION)
    assert existing.timesheet_id == last.timesheet_id
    assert Timesheet.objects.count() == MAX_REVISION


def test_a_large_batch_creates_corrects_and_recognizes_entries() -> None:
    keys = [f"{number:03}" for number in range(450)]
    ingest(*(say(5, key) for key in keys[:300]))

    entries = [say(6 if key < "150" else 5, key, reason="late") for key in keys]
    ingested = ingest_upload(PAYROLL, entries[::-1], RECEIVED_AT, make_delivery(len(entries)), store=STORE)

    assert list_outcomes(ingested.verdicts)[::-1] == [CREATED] * 150 + [EXISTING] * 150 + [CREATED] * 150
    for entry, verdict in zip(entries, ingested.verdicts[::-1], strict=True):
        assert read_entry(verdict.timesheet_id).has_content_of(entry)
        assert read_entry(verdict.timesheet_id).entry_id == entry.entry_id
    require_dense_revisions()
    require_receipts_of_rows()


def test_an_upload_that_fails_or_is_not_committed_leaves_nothing() -> None:
    row_id = store(say(5))
    entries = [say(6, reason="late"), say(5, "b")]

    def fail(_: Sequence[Verdict]) -> bool:
        raise ZeroDivisionError

    upload = partial(ingest_upload, PAYROLL, entries, RECEIVED_AT, make_delivery(2), store=STORE)
    rolled_back = upload(commit_if=lambda _: False)
    with pytest.raises(ZeroDivisionError):
        upload(commit_if=fail)

    [correction, _] = rolled_back.verdicts
    assert list_outcomes(rolled_back.verdicts) == [CREATED, CREATED]
    assert correction.corrects == StoredRevision(timesheet_id=row_id, entry=correct(1, 5))
    assert rolled_back.upload_id is None
    assert (Timesheet.objects.count(), Upload.objects.count()) == (1, 0)


def test_of_two_senders_at_the_same_time_the_second_corrects_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys = [f"{number:02}" for number in range(30)]

    def upload(writer: int) -> Results:
        if writer % 3 == 2:
            # They say which revision they mean, and may be refused.
            pairs = [each for key in keys for each in (say(24, key), correct(2, 23, key=key))]
            repeat_while_refused(lambda: ingest(*pairs))
            return []
        entries = [say(1 + writer, key, reason=f"writer {writer}") for key in keys]
        verdicts = repeat_while_refused(lambda: state(*entries))
        return list(zip(entries, verdicts, strict=True))

    results = list(chain.from_iterable(run_concurrently(upload)))

    rows = Timesheet.objects.in_bulk()
    assert {verdict.outcome for _, verdict in results} == {CREATED}
    assert len(results) == len(keys) * sum(writer % 3 != 2 for writer in range(WRITERS))
    for entry, verdict in results:
        row = rows[verdict.timesheet_id]
        assert (row.entry_id, row.hours) == (entry.entry_id, entry.hours)
        assert row.reason == (entry.reason if row.revision > 1 else None)
        assert (verdict.supersedes is not None) == (row.revision > 1)
        if verdict.supersedes is not None:
            assert rows[verdict.supersedes].revision == row.revision - 1
    require_dense_revisions()
    for key in keys:
        hours = Timesheet.objects.filter(entry_id=key).order_by("id").values_list("hours", flat=True)
        assert all(before != after for before, after in pairwise(hours))
    assert "deadlock" not in caplog.text


@only_on("postgresql")
def test_an_entry_that_another_upload_is_storing_is_corrected(postgresql: PostgreSQLServer) -> None:
    def run() -> Verdict:
        try:
            return state(say(6, reason="late"), say(5, "b"))[0]
        finally:
            connections.close_all()

    ingest(say(5, "c"))
    with ThreadPoolExecutor(1) as executor:
        with uncommitted_upload("a"):
            stated = executor.submit(run)
            wait_until(lambda: postgresql.execute("SELECT 1 FROM pg_locks WHERE NOT granted"))
        verdict = stated.result(10)

    first = Timesheet.objects.get(entry_id="a", revision=1)
    assert (verdict.outcome, verdict.supersedes) == (CREATED, first.pk)
