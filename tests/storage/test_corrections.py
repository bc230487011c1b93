"""Many corrections in one batch, on both databases. Which verdict each gets is in test_revisions.py."""

from decimal import Decimal
from typing import Any

import pytest

from tests.storage.entries import ingest, list_outcomes, make_entry
from timesheets.models import Timesheet
from timesheets.storage.entries import Entry, Outcome

pytestmark = pytest.mark.usefixtures("database")

CREATED, EXISTING, SUPERSEDED = Outcome.CREATED, Outcome.EXISTING, Outcome.SUPERSEDED


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
