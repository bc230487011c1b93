"""A committed upload of many entries leaves a receipt, which its client can read."""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, status_and_code
from tests.api.formats import ARRAY, CSV, Format, every_format
from tests.api.reading import PUBLIC_URL, Read, follow, list_ids, localize
from tests.kit.issuer import Issuer
from timesheets.models import Upload as StoredUpload


@every_format
def test_a_receipt_says_what_arrived_and_what_became_of_it(
    upload: Upload, read: Read, issuer: Issuer, batch_format: Format
) -> None:
    upload(make_entry(entry_id="stored", hours="1.5"))
    body = batch_format.write(
        [
            make_entry(entry_id="stored", hours="1.5"),
            make_entry(entry_id="stored", hours=2),
            make_entry(hours="7.25"),
            make_entry(hours=8),
            make_entry(project="", hours=4),
            make_entry(hours=25),
        ]
    )
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
        "received": 6,
        "created": 2,
        "existing": 1,
        "rejected": 3,
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
        pytest.param([], (0, 0, 0, 0), id="empty"),
        pytest.param([make_entry(hours=25)], (1, 0, 0, 1), id="rejected"),
        pytest.param([make_entry(entry_id="a")], (1, 0, 1, 0), id="existing"),
        pytest.param([make_entry(entry_id="a", hours=6, revision=2, reason="x")], (1, 0, 0, 1), id="403"),
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
        pytest.param(make_entry(), "?label=week23.csv", id="one-entry"),
        pytest.param([make_entry()], "?dry_run=true", id="dry-run"),
        pytest.param([make_entry(), {}], "?atomic=true", id="refused-batch"),
        pytest.param([make_entry()], "?expect_entries=2", id="other-totals"),
        pytest.param([make_entry()], "?label=/", id="invalid-parameter"),
        pytest.param(b"[", "", id="malformed-body"),
    ],
)
def test_nothing_else_leaves_a_receipt(upload: Upload, body: Any, query: str) -> None:
    assert "Location" not in upload(body, path=f"/timesheets/upload{query}").headers
    assert not StoredUpload.objects.exists()


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


def test_the_pages_together_are_all_receipts(upload_many: UploadMany, read: Read) -> None:
    ids = send_files(upload_many, *"aaaabaa")

    pages = list(follow(read, "/uploads?label=a&page_size=2"))

    assert [list_ids(page) for page in pages] == [ids[:2], ids[2:4], ids[5:]]
    assert pages[0].json()["next"].startswith(f"{PUBLIC_URL}/uploads?label=a&page_size=2&cursor=")
    assert pages[0].headers["Link"] == f'<{pages[0].json()["next"]}>; rel="next"'
    assert "Link" not in pages[-1].headers


def test_receipts_can_be_read_newest_first(upload_many: UploadMany, read: Read) -> None:
    ids = send_files(upload_many, *"aaaabaa")

    pages = list(follow(read, "/uploads?label=a&order=newest&page_size=2"))

    assert [list_ids(page) for page in pages] == [[ids[6], ids[5]], [ids[3], ids[2]], [ids[1], ids[0]]]
    assert "/uploads?label=a&order=newest&page_size=2&cursor=" in pages[0].headers["Link"]


def test_a_page_has_a_hundred_receipts_by_default(upload_many: UploadMany, read: Read) -> None:
    send_files(upload_many, *["a"] * 101)

    assert [len(list_ids(page)) for page in follow(read, "/uploads")] == [100, 1]


STRANGERS = [
    pytest.param({"azp": "reporting", "sub": "reporting@clients"}, id="another-client"),
    pytest.param({"azp": "new", "sub": "new@clients"}, id="a-client-without-uploads"),
]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_receipt_of_another_client_does_not_exist(
    upload_many: UploadMany, read: Read, issuer: Issuer, stranger: dict[str, Any]
) -> None:
    [own] = send_files(upload_many, "a")
    send_files(upload_many, "a", token=issuer.mint(azp="reporting", sub="reporting@clients"))
    token = issuer.mint(scope="read:timesheets", **stranger)

    foreign, none = read(f"/uploads/{own}", token=token), read(f"/uploads/{own + 1000}", token=token)

    assert status_and_code(foreign) == status_and_code(none) == (404, "not_found")
    assert foreign.json()["detail"].replace(str(own), "-") == none.json()["detail"].replace(
        str(own + 1000), "-"
    )
    assert own not in list_ids(read("/uploads", token=token))
    assert list_ids(read(f"/timesheets?upload={own}", token=token)) == []


@pytest.mark.parametrize("path", ["/uploads", "/uploads/17"])
def test_receipts_need_the_scope_to_read(read: Read, issuer: Issuer, path: str) -> None:
    missing = read(path, token=issuer.mint(scope="batch:upload correct:timesheets"))

    assert status_and_code(missing) == (403, "insufficient_scope")
    assert 'scope="read:timesheets"' in missing.headers["WWW-Authenticate"]
    assert status_and_code(read(path, token=None)) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["/uploads", "/uploads/17"])
def test_receipts_are_no_csv(read: Read, path: str) -> None:
    assert status_and_code(read(path, Accept="text/csv")) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        pytest.param(
            "user_id=007",
            "The only parameters are label, received_since, rejected, order, page_size, cursor.",
            id="unknown",
        ),
        pytest.param("fields=all", "The only parameters are label, ", id="fields"),
        pytest.param("upload=1", "The only parameters are label, ", id="upload"),
        pytest.param("format=json", "The only parameters are label, ", id="format"),
        pytest.param("label=", "label: This field may not be blank.", id="blank"),
        pytest.param("label=a%0A", "label: Send 1 to 128 of the characters", id="line-feed"),
        pytest.param(f"label={'a' * 129}", "label: Send 1 to 128 of the characters", id="long"),
        pytest.param("label=a&label=a", "label: Send it once.", id="repeated"),
        pytest.param("received_since=x", "received_since: Send an RFC 3339 date-time", id="date"),
        pytest.param("page_size=0", "page_size: Send a number from 1 to 1000.", id="page-size"),
        pytest.param("cursor=x", "cursor: Send the cursor unchanged", id="cursor"),
        pytest.param("order=oldest", "order: Send newest, or leave it out.", id="order"),
        pytest.param("label=%FF", "Encode the parameters in UTF-8.", id="no-utf-8"),
    ],
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
    query = f"upload={response.headers['Location'].rpartition('/')[2]}"

    created = [item["id"] for item in response.json()["entries"] if item["status"] == 201]
    assert list_ids(read(f"/timesheets?{query}")) == created
    assert list_ids(read(f"/timesheets?{query}&project=B")) == created[1:]
    assert [list_ids(page) for page in follow(read, f"/timesheets?{query}&page_size=1")][:2] == [
        [row_id] for row_id in created
    ]
    assert alone not in created


@pytest.mark.parametrize("upload_id", ["0", "4711", str(2**63 - 1)])
def test_an_unknown_upload_created_nothing(upload_many: UploadMany, read: Read, upload_id: str) -> None:
    send_files(upload_many, "a")

    assert read(f"/timesheets?upload={upload_id}").json() == {"results": [], "next": None}


def test_the_next_page_has_the_same_upload(upload_many: UploadMany, read: Read) -> None:
    response = upload_many([make_entry(), make_entry(), make_entry()])
    query = f"upload={response.headers['Location'].rpartition('/')[2]}&current=true&fields=all&page_size=2"

    following = read(f"/timesheets?{query}").json()["next"]

    assert localize(following).startswith("/timesheets?page_size=2&current=true&upload=")
    assert "fields=all" in following
