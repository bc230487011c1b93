"""`correct=true`: what it shows, its scope and its parameters. Its statuses are in test_corrections.py."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, read_statuses, status_and_code
from tests.api.reading import Read
from tests.api.test_corrections import LATE, POSITIVE, REQUIRED, revise, store_history
from timesheets.models import Timesheet
from timesheets.models import Upload as Receipt

PATH = "/timesheets/upload?correct=true"
WAS = {name: make_entry()[name] for name in ("user_id", "date", "project", "hours")}
ADVICE = "A correction needs an access token with the scope correct:timesheets."
SCOPE = {"code": "insufficient_scope", "errors": {"revision": [ADVICE]}}


def test_a_correction_shows_what_was_stored(correct: Upload, caplog: pytest.LogCaptureFixture) -> None:
    ids = store_history(correct, [1])
    caplog.set_level(logging.INFO, logger="timesheets.entries")
    caplog.clear()

    response = correct(
        make_entry(hours=6), path=f"{PATH}&reason=%20late%20", headers={"Idempotency-Key": "a"}
    )

    row = Timesheet.objects.latest("id")
    stored = {**make_entry(hours=6, entry_id="a"), "id": row.pk, "revision": 2, "reason": "late"}
    stored["supersedes"] = ids[1]
    assert response.json() == {**stored, "message": f"Created timesheet {row.pk} for employee 007"}
    assert (float(row.hours), row.revision, row.reason) == (6.0, 2, "late")
    [record] = [record for record in caplog.records if record.name == "timesheets.entries"]
    assert json.loads(record.getMessage()) == stored


def test_an_entry_says_why_it_is_corrected_before_the_request_does(
    correct: Upload, correct_many: UploadMany
) -> None:
    correct_many([make_entry(entry_id="a"), make_entry(entry_id="b")])

    entries = [make_entry(entry_id="a", hours=6, reason="own"), make_entry(entry_id="b", hours=6)]
    response = correct_many(entries, query="?correct=true&reason=of+the+request")

    assert read_statuses(response) == [201, 201]
    reasons = Timesheet.objects.filter(revision=2).order_by("entry_id").values_list("reason", flat=True)
    assert list(reasons) == ["own", "of the request"]


def test_a_batch_leaves_a_receipt_of_its_corrections(
    correct: Upload, correct_many: UploadMany, read: Read
) -> None:
    store_history(correct, [1])
    entries = [revise(1, hours=6), make_entry(entry_id="b"), revise(1, hours=6), revise(1, hours=7, **LATE)]

    query = "?correct=true&reason=late&label=week23.csv&expect_entries=4&expect_hours=24"
    response = correct_many(entries, query=query, headers={"Prefer": "return=minimal"})

    receipt = read(response.headers["Location"]).json()
    [conflict] = response.json()["entries"]
    counts = ("received", "created", "existing", "rejected")
    assert [receipt[name] for name in counts] == [response.json()[name] for name in counts] == [4, 2, 1, 1]
    assert (receipt["label"], receipt["hours"]["created"]) == ("week23.csv", "11.00")
    current = {"id": Timesheet.objects.get(revision=2).pk, "current_revision": 2}
    assert conflict == {"index": 3, "status": 409, **current}


def test_a_dry_run_shows_what_would_be_corrected(correct: Upload, correct_many: UploadMany) -> None:
    ids = store_history(correct, [1])
    entries = [revise(1, hours=6, **LATE), make_entry(entry_id="b"), revise(1, hours=6), revise(1, hours=7)]

    one = correct(entries[0], path=f"{PATH}&dry_run=true")
    many = correct_many(entries, query="?correct=true&dry_run=true")

    correction = {"supersedes": ids[1], "revision": 2, "was": WAS}
    assert one.status_code == many.status_code == 200
    assert one.json() == {**entries[0], **correction, "dry_run": True}
    assert many.json()["entries"] == [
        {"index": 0, "status": 201, **correction},
        {"index": 1, "status": 201},
        {"index": 2, "status": 200},
        {"index": 3, "status": 409, "current_revision": 2, "entry": entries[3]},
    ]
    assert Timesheet.objects.count() == 1
    assert not Receipt.objects.exists()


# The members and the parameters


NO_REVISION = "The API works out the revision. Send none with correct=true."


@pytest.mark.parametrize(
    ("members", "errors"),
    [
        ({"revision": 2, "reason": "late"}, {"revision": NO_REVISION}),
        ({"entry_id": None}, {"entry_id": REQUIRED}),
        ({"reason": ""}, {"reason": "This field may not be blank."}),
        ({"entry_id": None, "hours": -1}, {"hours": POSITIVE, "entry_id": REQUIRED}),
    ],
)
def test_an_invalid_member_is_refused_by_name(
    correct: Upload, members: Mapping[str, Any], errors: Mapping[str, str]
) -> None:
    entry = make_entry(**{"entry_id": "a", **members})

    one, many = (correct(body, path=f"{PATH}&reason=late") for body in (entry, [entry]))

    expected = {name: [words] for name, words in errors.items()}
    assert status_and_code(one) == (422, "invalid_entry")
    assert one.json()["errors"] == many.json()["entries"][0]["errors"] == expected
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["reason=late", "correct=false&reason=late", "colour=red"])
def test_a_reason_is_a_parameter_only_with_correct(upload: Upload, query: str) -> None:
    response = upload(path=f"/timesheets/upload?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert response.json()["detail"] == (
        "The only parameters are atomic, dry_run, label, expect_entries, expect_hours, correct, "
        "date_format, time_zone, and reason with correct=true."
    )
    assert not Timesheet.objects.exists()


BAD_REASONS = ("", "%20", "x" * 201, "a%0Ab", "a&reason=a")


@pytest.mark.parametrize(
    "query",
    ["correct=yes", "correct=true&correct=true", *(f"correct=true&reason={each}" for each in BAD_REASONS)],
)
def test_a_malformed_parameter_stores_nothing(correct: Upload, query: str) -> None:
    response = correct(make_entry(entry_id="a"), path=f"/timesheets/upload?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert not Timesheet.objects.exists()
