"""The options of an upload: `atomic`, `dry_run` and `return=minimal`."""

from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, count, make_entry, read_statuses, status_and_code
from tests.api.formats import CSV, NDJSON, Format, every_format
from timesheets.models import Timesheet

TOO_MUCH = {"hours": ["Ensure this value is less than or equal to 24."]}


# atomic and dry_run


@every_format
@pytest.mark.parametrize(
    ("failing", "item"),
    [
        pytest.param({"hours": 25}, {"status": 422, "errors": TOO_MUCH}, id="invalid"),
        pytest.param({"entry_id": "stored", "hours": 6}, {"status": 409, "id": "stored"}, id="conflict"),
    ],
)
def test_one_failure_refuses_an_atomic_batch(
    upload_many: UploadMany, batch_format: Format, failing: dict[str, Any], item: dict[str, Any]
) -> None:
    upload_many([make_entry(entry_id="stored")])
    stored = Timesheet.objects.get()
    good = make_entry(entry_id="a"), make_entry(entry_id="stored")

    response = upload_many([*good, make_entry(**failing), make_entry()], batch_format, "?atomic=true")

    problem = response.json()
    expected = {**item, "id": stored.pk} if "id" in item else item
    assert status_and_code(response) == (422, "batch_refused")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [problem[name] for name in ("received", "created", "existing", "rejected")] == [4, 0, 1, 3]
    assert problem["entries"] == [
        {**batch_format.locate(0), "status": 424},
        {"index": 1, "status": 200, "id": stored.pk},
        {**batch_format.locate(2), **expected},
        {**batch_format.locate(3), "status": 424},
    ]
    assert Timesheet.objects.get() == stored


@pytest.mark.parametrize(("batch_format", "bad"), [(NDJSON, b"{\n"), (CSV, b"a,b\n")], ids=["line", "row"])
def test_a_malformed_entry_refuses_an_atomic_batch(upload: Upload, batch_format: Format, bad: bytes) -> None:
    body, media_type = batch_format.write([make_entry()]) + bad, batch_format.media_type

    response = upload(body, path="/timesheets/upload?atomic=true", content_type=media_type)

    assert status_and_code(response) == (422, "batch_refused")
    assert [item["status"] for item in response.json()["entries"]] == [424, 422]
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["?atomic=false", "?dry_run=false", "?atomic=false&dry_run=false"])
def test_false_is_the_default(upload_many: UploadMany, query: str) -> None:
    response = upload_many([make_entry(), make_entry(hours=25)], query=query)

    assert read_statuses(response) == [201, 422]
    assert "dry_run" not in response.json()


@every_format
def test_a_dry_run_reports_what_would_happen_and_stores_nothing(
    upload_many: UploadMany, batch_format: Format
) -> None:
    upload_many([make_entry(entry_id="stored")])
    stored = Timesheet.objects.get()
    known = (make_entry(entry_id="stored", hours=hours) for hours in (5, 6))

    response = upload_many(
        [make_entry(entry_id="a"), make_entry(hours=25), *known], batch_format, "?dry_run=true"
    )

    body = response.json()
    hours = ("25", "6") if batch_format is CSV else (25, 6)
    assert response.status_code == 200
    assert [item.pop("entry", {}).get("hours") for item in body["entries"]] == [
        None,
        hours[0],
        None,
        hours[1],
    ]
    assert body == {
        **count(4, 1, 1, 2),
        "dry_run": True,
        "entries": [
            {"index": 0, "status": 201},
            {**batch_format.locate(1), "status": 422, "errors": TOO_MUCH},
            {"index": 2, "status": 200, "id": stored.pk},
            {**batch_format.locate(3), "status": 409, "id": stored.pk},
        ],
    }
    assert Timesheet.objects.get() == stored
    # The entries are still new.
    assert read_statuses(upload_many([make_entry(entry_id="a")])) == [201]


def test_a_dry_run_of_an_atomic_batch_is_judged_like_the_batch(upload_many: UploadMany) -> None:
    refused = upload_many([make_entry(), make_entry(hours=25)], query="?atomic=true&dry_run=true")
    accepted = upload_many([make_entry(), make_entry()], query="?dry_run=true&atomic=true")

    problem = refused.json()
    assert status_and_code(refused) == (422, "batch_refused")
    assert (problem["created"], problem["dry_run"]) == (0, True)
    assert [item["status"] for item in problem["entries"]] == [424, 422]
    assert (accepted.status_code, accepted.json()["created"]) == (200, 2)
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["?dry_run=true", "?dry_run=true&atomic=true"])
def test_a_dry_run_of_one_entry_returns_it_without_id_and_message(upload: Upload, query: str) -> None:
    response = upload(make_entry(entry_id="a", date="2017-05-10"), path=f"/timesheets/upload{query}")

    assert response.status_code == 200
    assert response.json() == {**make_entry(entry_id="a", date="2017-05-10T00:00:00Z"), "dry_run": True}
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["?dry_run=true", "?atomic=true", "?dry_run=true&atomic=true"])
def test_parameters_do_not_change_how_one_entry_is_refused(upload: Upload, query: str) -> None:
    upload(make_entry(entry_id="stored"))
    path = f"/timesheets/upload{query}"

    conflict, invalid = upload(make_entry(entry_id="stored", hours=6), path=path), upload({}, path=path)

    assert status_and_code(conflict) == (409, "conflict")
    assert status_and_code(invalid) == (422, "invalid_entry")
    assert Timesheet.objects.count() == 1


def test_one_entry_may_be_atomic(upload: Upload) -> None:
    assert upload(path="/timesheets/upload?atomic=true").status_code == 201
    assert Timesheet.objects.count() == 1


INVALID = """
atomic=yes atomic=True atomic=1 atomic= atomic atomic=true%20 dry_run=0 dry_run=%00 atomic=true&atomic=true
atomic=true&atomic=false dry_run=false&atomic=true&dry_run=true dryrun=true Atomic=true atomic=true&colour=red
=true format=json %FF=true
"""


@pytest.mark.parametrize("query", INVALID.split())
def test_an_invalid_parameter_stores_nothing(upload: Upload, query: str) -> None:
    one, many = (upload(body, path=f"/timesheets/upload?{query}") for body in (make_entry(), [make_entry()]))

    assert status_and_code(one) == status_and_code(many) == (400, "invalid_parameter")
    assert not Timesheet.objects.exists()


# return=minimal


@pytest.mark.parametrize(
    "preference",
    [
        *("return=minimal", "Return=minimal", 'return="minimal"', "return = minimal"),
        *("return=minimal; because=size", "respond-async, return=minimal"),
        *("wait=10,return=minimal,handling=lenient", "return=minimal, return=representation"),
    ],
)
def test_a_minimal_response_lists_only_rejected_entries(upload_many: UploadMany, preference: str) -> None:
    entries = [make_entry(entry_id="a", hours=hours) for hours in (5, 25, 5, 6)]

    response = upload_many(entries, headers={"Prefer": preference})

    assert response.status_code == 207
    assert response.headers["Preference-Applied"] == "return=minimal"
    assert response.json() == {
        **count(4, 1, 1, 2),
        "entries": [
            {"index": 1, "status": 422, "errors": TOO_MUCH},
            {"index": 3, "status": 409, "id": Timesheet.objects.get().pk},
        ],
    }


@pytest.mark.parametrize(
    "preference",
    [
        *("", "return", "minimal", "return=representation", "return=minimalist", "no-return=minimal"),
        *("return=", "return minimal", "x; return=minimal", "return=representation, return=minimal"),
        *('note="a, return=minimal"', 'return="minimal'),
    ],
)
def test_other_preferences_change_nothing(upload_many: UploadMany, preference: str) -> None:
    response = upload_many([make_entry()], headers={"Prefer": preference})

    assert read_statuses(response) == [201]
    assert "Preference-Applied" not in response.headers
