"""A committed upload of many entries leaves a receipt, which its client can read."""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, count, make_entry, status_and_code
from tests.api.formats import ARRAY, CSV, Format, every_format
from tests.api.reading import PUBLIC_URL, Read, follow, list_ids
from tests.kit.issuer import Issuer
from timesheets.models import Rejection
from timesheets.models import Upload as StoredUpload


@every_format
def test_a_receipt_says_what_arrived_and_what_became_of_it(
    upload: Upload, read: Read, issuer: Issuer, batch_format: Format
) -> None:
    upload(make_entry(entry_id="stored", hours="1.5"))
    known = (make_entry(entry_id="stored", hours=hours) for hours in ("1.5", 2))
    others = (
        make_entry(hours="7.25"),
        make_entry(hours=8),
        make_entry(project="", hours=4),
        make_entry(hours=25),
    )
    body = batch_format.write([*known, *others])
    begin = datetime.now(UTC).replace(microsecond=0)

    response = upload(
        body,
        path="/timesheets/upload?label=week23.csv",
        content_type=f"{batch_format.media_type}; charset=utf-8",
        token=issuer.mint(jti="token-7"),
        headers={"X-Request-ID": "request-7"},
    )

    receipt = read(response.headers["Location"]).json()
    received_at = receipt.pop("received_at")
    created = [item["id"] for item in response.json()["entries"] if item["status"] == 201]
    assert response.headers["Location"] == f"/uploads/{StoredUpload.objects.get().pk}"
    assert receipt == {
        "id": StoredUpload.objects.get().pk,
        "label": "week23.csv",
        "subject": "payroll@clients",
        "token_id": "token-7",
        "request_id": "request-7",
        "media_type": batch_format.media_type,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        **count(6, 2, 1, 3),
        "hours": {"received": "22.75", "created": "15.25", "existing": "1.50"},
        "first_id": created[0],
        "last_id": created[-1],
    }
    assert received_at.endswith("Z")
    assert begin <= datetime.fromisoformat(received_at) <= datetime.now(UTC)


def test_bytes_and_digest_are_those_of_the_body_as_sent(upload: Upload, read: Read) -> None:
    zipped = gzip.compress(CSV.write([make_entry()]))

    response = upload(zipped, content_type="text/csv", headers={"Content-Encoding": "gzip"})

    receipt = read(response.headers["Location"]).json()
    assert (receipt["bytes"], receipt["sha256"]) == (len(zipped), hashlib.sha256(zipped).hexdigest())


def test_what_an_upload_does_not_have_is_null(upload_many: UploadMany, read: Read, issuer: Issuer) -> None:
    receipt = read(upload_many([{}], token=issuer.mint(sub=None)).headers["Location"]).json()
    absent = {name for name, value in receipt.items() if value is None}
    assert absent == {"label", "subject", "token_id", "first_id", "last_id"}
    assert receipt["hours"] == {"received": "0.00", "created": "0.00", "existing": "0.00"}


@pytest.mark.parametrize(
    ("entries", "counts"),
    [
        ([], (0, 0, 0, 0)),
        ([make_entry(hours=25)], (1, 0, 0, 1)),
        ([make_entry(entry_id="a")], (1, 0, 1, 0)),
        ([make_entry(entry_id="a", hours=6, revision=2, reason="no scope")], (1, 0, 0, 1)),
    ],
)
def test_an_upload_that_creates_nothing_leaves_a_receipt(
    upload: Upload, upload_many: UploadMany, read: Read, entries: list[Any], counts: tuple[int, ...]
) -> None:
    upload(make_entry(entry_id="a"))

    receipt = read(upload_many(entries).headers["Location"]).json()

    assert tuple(receipt[name] for name in ("received", "created", "existing", "rejected")) == counts
    assert (receipt["first_id"], receipt["last_id"]) == (None, None)


def test_the_address_of_a_receipt_has_the_prefix_of_the_public_address(
    upload_many: UploadMany, settings: Any
) -> None:
    settings.TIMESHEETS_PUBLIC_URL = "https://example.com/hours/"

    location = upload_many([make_entry()]).headers["Location"]

    assert location == f"/hours/uploads/{StoredUpload.objects.get().pk}"


@pytest.mark.parametrize(
    ("body", "query"),
    [
        *((make_entry(hours=hours), "?label=week23.csv") for hours in (5, 25)),
        ([make_entry(), {}], "?dry_run=true"),
        ([make_entry(), {}], "?atomic=true"),
        ([{}], "?expect_entries=2"),
        ([{}], "?label=/"),
        (b"[", ""),
    ],
    ids=["one-entry", "refused-entry", "dry-run", "refused-batch", "totals", "parameter", "malformed-body"],
)
def test_nothing_else_leaves_a_receipt_or_rejections(upload: Upload, body: Any, query: str) -> None:
    assert "Location" not in upload(body, path=f"/timesheets/upload{query}").headers
    assert not StoredUpload.objects.exists()
    assert not Rejection.objects.exists()


# Reading receipts


def send_files(upload_many: UploadMany, *labels: str, **more: Any) -> list[int]:
    """The ids of uploads with these labels."""
    responses = [upload_many([make_entry()], query=f"?label={label}", **more) for label in labels]
    return [int(response.headers["Location"].rpartition("/")[2]) for response in responses]


def test_the_list_has_the_receipts_in_order(upload_many: UploadMany, read: Read) -> None:
    ids = send_files(upload_many, "a", "b")

    body = read("/uploads").json()

    assert body["next"] is None
    assert body["results"] == [read(f"/uploads/{upload_id}").json() for upload_id in ids]


def test_a_label_ties_the_uploads_of_a_file_together(upload_many: UploadMany, read: Read) -> None:
    first, _, third = send_files(upload_many, "week23.csv", "week24.csv", "week23.csv")

    assert list_ids(read("/uploads?label=week23.csv")) == [first, third]
    assert list_ids(read("/uploads?label=week25.csv")) == []


def test_receipts_are_filtered_by_when_they_were_received(upload_many: UploadMany, read: Read) -> None:
    [upload_id] = send_files(upload_many, "a")
    received_at = read(f"/uploads/{upload_id}").json()["received_at"]
    later = (datetime.fromisoformat(received_at) + timedelta(microseconds=1)).isoformat()

    assert list_ids(read(f"/uploads?received_since={received_at}")) == [upload_id]
    assert list_ids(read(f"/uploads?received_since={later.replace('+', '%2B')}")) == []


@pytest.mark.parametrize(
    ("order", "places"),
    [("", [[0, 1], [2, 3], [5, 6]]), ("order=newest&", [[6, 5], [3, 2], [1, 0]])],
    ids=["oldest-first", "newest-first"],
)
def test_the_pages_together_are_all_receipts(
    upload_many: UploadMany, read: Read, order: str, places: list[list[int]]
) -> None:
    ids = send_files(upload_many, *"aaaabaa")

    pages = list(follow(read, f"/uploads?label=a&{order}page_size=2"))

    assert [list_ids(page) for page in pages] == [[ids[place] for place in page] for page in places]
    assert pages[0].json()["next"].startswith(f"{PUBLIC_URL}/uploads?label=a&{order}page_size=2&cursor=")
    assert pages[0].headers["Link"] == f'<{pages[0].json()["next"]}>; rel="next"'
    assert "Link" not in pages[-1].headers


@pytest.mark.parametrize("stranger", ["reporting", "new"], ids=["another-client", "a-client-without-uploads"])
def test_a_receipt_of_another_client_does_not_exist(
    upload_many: UploadMany, read: Read, issuer: Issuer, stranger: str
) -> None:
    [own] = send_files(upload_many, "a")
    send_files(upload_many, "a", token=issuer.mint(azp="reporting", sub="reporting@clients"))
    token = issuer.mint(scope="read:timesheets", azp=stranger, sub=f"{stranger}@clients")

    foreign, none = (read(f"/uploads/{each}", token=token) for each in (own, own + 1000))

    assert status_and_code(foreign) == status_and_code(none) == (404, "not_found")
    words = none.json()["detail"].replace(str(own + 1000), "-")
    assert foreign.json()["detail"].replace(str(own), "-") == words
    assert own not in list_ids(read("/uploads", token=token))
    assert list_ids(read(f"/timesheets?upload={own}", token=token)) == []


@pytest.mark.parametrize("path", ["/uploads", "/uploads/17"])
def test_receipts_are_no_csv(read: Read, path: str) -> None:
    assert status_and_code(read(path, Accept="text/csv")) == (406, "not_acceptable")


ONLY = "The only parameters are label, received_since, rejected, order, page_size, cursor."
NO_LABEL = "label: Send 1 to 128 of the characters"
# The words of the refusal, and the queries. What is common to all lists is in test_list_options.py.
REFUSED = {
    ONLY: ["user_id=007", "fields=all", "upload=1", "format=json"],
    "label: This field may not be blank.": ["label="],
    NO_LABEL: ["label=a%0A", f"label={'a' * 129}"],
    "received_since: Send an RFC 3339 date-time": ["received_since=x"],
}


@pytest.mark.parametrize(
    ("query", "detail"), [(query, detail) for detail, queries in REFUSED.items() for query in queries]
)
def test_an_invalid_parameter_is_refused(read: Read, query: str, detail: str) -> None:
    response = read(f"/uploads?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert detail in response.json()["detail"]


@pytest.mark.parametrize("query", ["label=a", "fields=all", "x=1"])
def test_one_receipt_takes_no_parameters(upload_many: UploadMany, read: Read, query: str) -> None:
    [upload_id] = send_files(upload_many, "a")

    assert status_and_code(read(f"/uploads/{upload_id}?{query}")) == (400, "invalid_parameter")


# The rows of an upload


def test_the_rows_that_an_upload_created_can_be_listed(
    upload: Upload, upload_many: UploadMany, read: Read
) -> None:
    alone = upload(make_entry(entry_id="alone")).json()["id"]
    send_files(upload_many, "before")
    response = upload_many([make_entry(entry_id="alone"), make_entry(), make_entry(project="B"), {}], ARRAY)
    send_files(upload_many, "after")
    path = f"/timesheets?upload={response.headers['Location'].rpartition('/')[2]}"

    created = [item["id"] for item in response.json()["entries"] if item["status"] == 201]
    assert alone not in created
    assert list_ids(read(path)) == created
    assert list_ids(read(f"{path}&project=B")) == created[1:]
    pages = [list_ids(page) for page in follow(read, f"{path}&page_size=1")]
    assert pages[:2] == [[row_id] for row_id in created]


@pytest.mark.parametrize("upload_id", ["0", "4711", str(2**63 - 1)])
def test_an_unknown_upload_created_nothing(upload_many: UploadMany, read: Read, upload_id: str) -> None:
    send_files(upload_many, "a")

    assert read(f"/timesheets?upload={upload_id}").json() == {"results": [], "next": None}
