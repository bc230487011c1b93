"""Control totals: an upload that differs from what was announced stores nothing."""

import json
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, status_and_code
from tests.api.formats import CSV, NDJSON, Format, every_format
from timesheets.models import Timesheet
from timesheets.models import Upload as StoredUpload

BODIES = [
    pytest.param(make_entry(hours="7.25"), id="one"),
    pytest.param([make_entry(hours="7.25")], id="many"),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("expect_entries=2", {"entries": 2}, id="entries"),
        pytest.param("expect_entries=0", {"entries": 0}, id="no-entries"),
        pytest.param("expect_hours=7.24", {"hours": "7.24"}, id="hours"),
        pytest.param("expect_hours=8", {"hours": "8.00"}, id="whole-hours"),
        pytest.param("expect_hours=0", {"hours": "0.00"}, id="no-hours"),
        pytest.param("expect_entries=1&expect_hours=7.2", {"entries": 1, "hours": "7.20"}, id="one-of-two"),
        pytest.param("expect_entries=2&expect_hours=7.25", {"entries": 2, "hours": "7.25"}, id="the-other"),
    ],
)
@pytest.mark.parametrize("more", ["", "&dry_run=true", "&atomic=true"])
@pytest.mark.parametrize("body", BODIES)
def test_an_upload_with_other_totals_stores_nothing(
    upload: Upload, body: Any, query: str, expected: dict[str, Any], more: str
) -> None:
    response = upload(body, path=f"/timesheets/upload?{query}{more}")

    problem = response.json()
    assert status_and_code(response) == (422, "control_totals")
    assert problem["expected"] == expected
    assert problem["found"] == {"entries": 1, "hours": "7.25"}
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "Location" not in response.headers
    assert not Timesheet.objects.exists()
    assert not StoredUpload.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "expect_entries=1",
        "expect_entries=001",
        "expect_hours=7.25",
        "expect_entries=1&expect_hours=07.25&atomic=true&label=week23.csv",
    ],
)
@pytest.mark.parametrize("body", BODIES)
def test_an_upload_with_the_announced_totals_is_stored(upload: Upload, body: Any, query: str) -> None:
    assert upload(body, path=f"/timesheets/upload?{query}").status_code in {201, 207}
    assert Timesheet.objects.count() == 1


@every_format
def test_all_hours_count_that_are_valid_by_themselves(
    upload: Upload, upload_many: UploadMany, batch_format: Format
) -> None:
    upload(make_entry(entry_id="a"))
    entries = [
        make_entry(hours="0.01"),
        make_entry(user_id="", hours="0.02"),
        make_entry(entry_id="a", hours="0.04"),
        make_entry(entry_id="a", hours=5),
        make_entry(entry_id="b", hours="0.08", revision=2, reason="unknown, and without the scope"),
        make_entry(entry_id="c", hours=0, revision=2, reason="a withdrawal"),
        make_entry(hours=0),
        make_entry(hours=25),
        make_entry(hours="0.001"),
        make_entry(hours="-1"),
        make_entry(hours="x"),
    ]

    response = upload_many(entries, batch_format, "?expect_entries=11&expect_hours=5.15")
    refused = upload_many(entries, batch_format, "?expect_entries=11&expect_hours=5.16")

    assert response.status_code == 207
    assert refused.json()["found"] == {"entries": 11, "hours": "5.15"}


@pytest.mark.parametrize(
    ("batch_format", "body"),
    [
        pytest.param(
            NDJSON,
            b'{"hours": 1, "hours": 1}\n{"hours": 5, "x": 1, "x": 2}\n{"hours": 2\n7\n[3]\n',
            id="ndjson",
        ),
        pytest.param(CSV, b'user_id,date,project,hours\n,,,5\na,b\n"a"b,c,d,6\n,,,\n,,,x\n', id="csv"),
    ],
)
def test_repeated_hours_and_malformed_entries_do_not_count(
    upload: Upload, batch_format: Format, body: bytes
) -> None:
    response = upload(body, path="/timesheets/upload?expect_entries=0", content_type=batch_format.media_type)

    assert response.json()["found"] == {"entries": 5, "hours": "5.00"}


def test_an_empty_upload_has_totals(upload_many: UploadMany) -> None:
    assert upload_many([], query="?expect_entries=0&expect_hours=0").status_code == 207
    assert upload_many([], query="?expect_entries=1").json()["found"] == {"entries": 0, "hours": "0.00"}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(make_entry(hours="x"), id="invalid"),
        pytest.param(make_entry(entry_id="a", hours=6), id="conflict"),
        pytest.param(make_entry(entry_id="a", hours=6, revision=2, reason="x"), id="without-the-scope"),
    ],
)
@pytest.mark.parametrize("query", ["", "&atomic=true", "&dry_run=true"])
def test_totals_are_judged_before_entries(
    upload: Upload,
    upload_many: UploadMany,
    entry: dict[str, Any],
    query: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    upload(make_entry(entry_id="a"))

    one = upload(entry, path=f"/timesheets/upload?expect_entries=2{query}")
    many = upload_many([entry], query=f"?expect_entries=2{query}")

    assert status_and_code(one) == status_and_code(many) == (422, "control_totals")
    assert "insufficient_scope" not in caplog.text


def test_a_malformed_body_has_no_totals(upload: Upload) -> None:
    response = upload(b'[{"hours": 5}, {', path="/timesheets/upload?expect_entries=2")

    assert status_and_code(response) == (400, "malformed_body")


def test_ten_thousand_entries_are_added_up_exactly(upload_many: UploadMany) -> None:
    entries = [make_entry(hours="23.99")] * 10_000

    response = upload_many(entries, query="?dry_run=true&expect_hours=239899.99")

    assert response.json()["found"] == {"entries": 10_000, "hours": "239900.00"}


MALFORMED = [
    *(f"expect_entries={value}" for value in ["", "-1", "%2B1", "1.0", "1e3", "x", "%D9%A2", "1_0", "%201"]),
    *(
        f"expect_hours={value}"
        for value in ["", "NaN", "Infinity", "-1", "1e400", "1.", ".5", "1.234", "1,5"]
    ),
    *(f"expect_hours={value}" for value in ["%D9%A2", "7.25%0A", "0x1", "1 000"]),
    *(f"label={value}" for value in ["", "a%20b", "a%0Ab", "a/b", "%C3%A4", "x" * 129, "%00"]),
    "expect_entries=1&expect_entries=1",
    "expect_hours=5&expect_hours=6",
    "label=a&label=a",
    "Label=a",
    "expect=1",
    "revision=2",
    "fields=all",
]


@pytest.mark.parametrize("query", MALFORMED)
@pytest.mark.parametrize("body", BODIES)
def test_a_malformed_parameter_stores_nothing(upload: Upload, body: Any, query: str) -> None:
    response = upload(body, path=f"/timesheets/upload?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("expect_entries=x", "Send expect_entries once, with a number of entries such as 1000."),
        ("expect_hours=x", "Send expect_hours once, with a sum of hours such as 7512.25."),
        ("label=/", "Send label once, with 1 to 128 of the characters A-Z a-z 0-9 . _ : -."),
    ],
)
def test_a_refused_parameter_says_what_to_send(upload: Upload, query: str, detail: str) -> None:
    assert upload(path=f"/timesheets/upload?{query}").json()["detail"] == detail


@pytest.mark.parametrize("name", ["expect_entries", "expect_hours", "label"])
def test_a_megabyte_of_digits_is_refused(upload: Upload, name: str) -> None:
    response = upload(path=f"/timesheets/upload?{name}={'9' * 1_000_000}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert len(response.content) < 1000


def test_a_problem_of_totals_has_no_other_members(upload: Upload) -> None:
    problem = json.loads(upload(path="/timesheets/upload?expect_entries=2").content)

    assert set(problem) == {"type", "title", "status", "detail", "code", "expected", "found", "request_id"}
