"""Control totals: an upload that differs from what was announced stores nothing."""

from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, status_and_code
from tests.api.formats import CSV, NDJSON, Format, every_format
from timesheets.models import Timesheet
from timesheets.models import Upload as StoredUpload

BODIES = [make_entry(hours="7.25"), [make_entry(hours="7.25")]]
every_body = pytest.mark.parametrize("body", BODIES, ids=["one", "many"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("expect_entries=2", {"entries": 2}),
        ("expect_entries=0", {"entries": 0}),
        ("expect_hours=7.24", {"hours": "7.24"}),
        ("expect_hours=8", {"hours": "8.00"}),
        ("expect_hours=0", {"hours": "0.00"}),
        ("expect_entries=1&expect_hours=7.2", {"entries": 1, "hours": "7.20"}),
        ("expect_entries=2&expect_hours=7.25", {"entries": 2, "hours": "7.25"}),
    ],
)
@every_body
def test_an_upload_with_other_totals_stores_nothing(
    upload: Upload, body: Any, query: str, expected: dict[str, Any]
) -> None:
    for more in ("", "&dry_run=true", "&atomic=true"):
        response = upload(body, path=f"/timesheets/upload?{query}{more}")

        problem = response.json()
        assert status_and_code(response) == (422, "control_totals")
        assert (problem["expected"], problem["found"]) == (expected, {"entries": 1, "hours": "7.25"})
        assert response.headers["Content-Type"] == "application/problem+json"
        assert "Location" not in response.headers
        others = {"type", "title", "status", "detail", "code", "request_id"}
        assert problem.keys() == {*others, "expected", "found"}
    assert not Timesheet.objects.exists()
    assert not StoredUpload.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["entries=1", "entries=001", "hours=7.25", "entries=1&expect_hours=07.25&atomic=true&label=a.csv"],
)
@every_body
def test_an_upload_with_the_announced_totals_is_stored(upload: Upload, body: Any, query: str) -> None:
    assert upload(body, path=f"/timesheets/upload?expect_{query}").status_code in {201, 207}
    assert Timesheet.objects.count() == 1


@every_format
def test_all_hours_count_that_are_valid_by_themselves(
    upload: Upload, upload_many: UploadMany, batch_format: Format
) -> None:
    upload(make_entry(entry_id="a"))
    entries = [
        make_entry(hours="0.01"),
        make_entry(user_id="", hours="0.02"),
        *(make_entry(entry_id="a", hours=hours) for hours in ("0.04", 5)),
        make_entry(entry_id="b", hours="0.08", revision=2, reason="unknown, and without the scope"),
        make_entry(entry_id="c", hours=0, revision=2, reason="a withdrawal"),
        *(make_entry(hours=hours) for hours in (0, 25, "0.001", "-1", "x")),
    ]

    response = upload_many(entries, batch_format, "?expect_entries=11&expect_hours=5.15")
    refused = upload_many(entries, batch_format, "?expect_entries=11&expect_hours=5.16")

    assert response.status_code == 207
    assert refused.json()["found"] == {"entries": 11, "hours": "5.15"}


LINES = b'{"hours": 1, "hours": 1}\n{"hours": 5, "x": 1, "x": 2}\n{"hours": 2\n7\n[3]\n'
ROWS = b'user_id,date,project,hours\n,,,5\na,b\n"a"b,c,d,6\n,x,,\n,,,x\n'


@pytest.mark.parametrize(("batch_format", "body"), [(NDJSON, LINES), (CSV, ROWS)], ids=["ndjson", "csv"])
def test_repeated_hours_and_malformed_entries_do_not_count(
    upload: Upload, batch_format: Format, body: bytes
) -> None:
    response = upload(body, path="/timesheets/upload?expect_entries=0", content_type=batch_format.media_type)

    assert response.json()["found"] == {"entries": 5, "hours": "5.00"}


def test_an_empty_upload_has_totals(upload_many: UploadMany) -> None:
    assert upload_many([], query="?expect_entries=0&expect_hours=0").status_code == 207
    assert upload_many([], query="?expect_entries=1").json()["found"] == {"entries": 0, "hours": "0.00"}


@pytest.mark.parametrize("query", ["", "&atomic=true", "&dry_run=true"])
def test_totals_are_judged_before_entries(
    upload: Upload, upload_many: UploadMany, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    upload(make_entry(entry_id="a"))
    conflict = make_entry(entry_id="a", hours=6)

    for entry in (make_entry(hours="x"), conflict, {**conflict, "revision": 2, "reason": "no scope"}):
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


NO_COUNTS = ("", "-1", "%2B1", "1.0", "1e3", "x", "%D9%A2", "1_0", "%201")
NO_SUMS = (
    *NO_COUNTS[:2],
    "NaN",
    "Infinity",
    "1e400",
    "1.",
    ".5",
    "1.234",
    "1,5",
    "%D9%A2",
    "7.25%0A",
    "0x1",
    "1 0",
)
NO_LABELS = ("", "a%20b", "a%0Ab", "a/b", "%C3%A4", "x" * 129, "%00")
MALFORMED = [
    *(f"expect_entries={value}" for value in NO_COUNTS),
    *(f"expect_hours={value}" for value in NO_SUMS),
    *(f"label={value}" for value in NO_LABELS),
    *("expect_entries=1&expect_entries=1", "expect_hours=5&expect_hours=6", "label=a&label=a"),
    *("Label=a", "expect=1", "revision=2", "fields=all"),
]


@every_body
def test_a_malformed_parameter_stores_nothing(upload: Upload, body: Any) -> None:
    for query in MALFORMED:
        response = upload(body, path=f"/timesheets/upload?{query}")

        assert status_and_code(response) == (400, "invalid_parameter"), query
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
