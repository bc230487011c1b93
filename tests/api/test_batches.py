"""Many entries in one upload: each gets a verdict, and the valid ones are stored together."""

import json
import logging

import pytest

from tests.api.conftest import Upload, UploadMany, count, make_entry, read_statuses, status_and_code
from tests.api.formats import BOM, HEADER, Format, every_format, write_ndjson
from timesheets.models import Timesheet

TOO_MUCH = {"hours": ["Ensure this value is less than or equal to 24."]}


# What makes a batch


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        pytest.param("application/json", b"[]", id="empty-array"),
        pytest.param("application/json", b" [ \n] ", id="empty-array-with-white-space"),
        pytest.param("application/x-ndjson", b"", id="empty-ndjson"),
        pytest.param("application/x-ndjson", b"\n \t\r\n\n", id="blank-lines"),
        pytest.param("application/x-ndjson", BOM, id="ndjson-of-a-bom"),
        pytest.param("text/csv", HEADER, id="bare-header"),
        pytest.param("text/csv", HEADER.rstrip(), id="bare-header-without-a-newline"),
        pytest.param("text/csv", b"\r\n" + HEADER + b"\r\n\r\n", id="header-and-blank-rows"),
    ],
)
@pytest.mark.parametrize("query", ["", "?atomic=true"])
def test_a_batch_may_be_empty(upload: Upload, media_type: str, body: bytes, query: str) -> None:
    # Django's test client sends no length for an empty body.
    response = upload(
        body,
        path=f"/timesheets/upload{query}",
        content_type=media_type,
        CONTENT_TYPE=media_type,
        CONTENT_LENGTH=str(len(body)),
    )

    assert response.status_code == 207
    assert response.json() == {**count(0, 0, 0, 0), "entries": []}


@pytest.mark.parametrize(
    "media_type",
    [f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "X-NDJSON", "jsonl; charset=utf-8")],
)
def test_ndjson_has_several_names(upload: Upload, media_type: str) -> None:
    response = upload(write_ndjson([make_entry(), make_entry()]), content_type=media_type)

    assert read_statuses(response) == [201, 201]


# Verdicts


@every_format
def test_each_entry_has_its_verdict_in_order(upload_many: UploadMany, batch_format: Format) -> None:
    upload_many([make_entry(entry_id="stored"), make_entry(entry_id="other")])
    stored, other = Timesheet.objects.order_by("id").values_list("id", flat=True)
    equal, different = make_entry(entry_id="stored", hours="5.00"), make_entry(entry_id="other", project="B")

    response = upload_many(
        [make_entry(), make_entry(hours=25), equal, different, make_entry(entry_id="new")], batch_format
    )

    first, last = Timesheet.objects.exclude(id__in=[stored, other]).order_by("id")
    assert response.status_code == 207
    assert response.json() == {
        **count(5, 2, 1, 2),
        "entries": [
            {"index": 0, "status": 201, "id": first.pk},
            {**batch_format.locate(1), "status": 422, "errors": TOO_MUCH},
            {"index": 2, "status": 200, "id": stored},
            {**batch_format.locate(3), "status": 409, "id": other},
            {"index": 4, "status": 201, "id": last.pk},
        ],
    }
    assert (first.entry_id, last.entry_id) == (None, "new")


# Repeats within a batch


def test_the_first_valid_entry_with_an_entry_id_counts(upload_many: UploadMany) -> None:
    response = upload_many([make_entry(entry_id="a", hours=hours) for hours in (25, 5, "5.0", 6, 5)])

    stored = Timesheet.objects.get()
    assert response.json() == {
        **count(5, 1, 2, 2),
        "entries": [
            {"index": 0, "status": 422, "errors": TOO_MUCH},
            {"index": 1, "status": 201, "id": stored.pk},
            {"index": 2, "status": 200, "id": stored.pk},
            {"index": 3, "status": 409, "id": stored.pk},
            {"index": 4, "status": 200, "id": stored.pk},
        ],
    }
    assert stored.hours == 5


def test_equal_repeats_do_not_refuse_an_atomic_batch(upload_many: UploadMany) -> None:
    response = upload_many([make_entry(entry_id="a"), make_entry(entry_id="a")], query="?atomic=true")

    assert read_statuses(response) == [201, 200]
    assert Timesheet.objects.count() == 1


def test_unequal_repeats_refuse_an_atomic_batch_without_an_id(upload_many: UploadMany) -> None:
    entries = [make_entry(entry_id="a", hours=hours) for hours in (5, 6, 5)]

    response = upload_many(entries, query="?atomic=true")

    assert status_and_code(response) == (422, "batch_refused")
    expected = [{"index": index, "status": status} for index, status in enumerate((424, 409, 424))]
    assert response.json()["entries"] == expected
    assert not Timesheet.objects.exists()


# The log


@pytest.mark.parametrize("query", ["", "?atomic=true", "?dry_run=true"])
def test_the_log_has_the_counts_and_no_names(
    upload_many: UploadMany, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    caplog.set_level(logging.INFO)
    layoffs = make_entry(user_id="hannah", project="Layoffs", hours=25)
    twice = (make_entry(user_id="hannah", entry_id="secret-1", hours=hours) for hours in (5, 6))

    body = upload_many([layoffs, *twice], query=query).json()

    [record] = [record for record in caplog.records if record.name == "timesheets.entries"]
    logged = json.loads(record.getMessage())
    assert logged.pop("atomic") is (query == "?atomic=true")
    assert logged == {name: body[name] for name in logged}
    assert set(logged) - {"dry_run"} == {"received", "created", "existing", "rejected"}
    assert not any(word in caplog.text for word in ("hannah", "Layoffs", "StoreZero", "secret-1"))
