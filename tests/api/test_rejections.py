"""What a receipt keeps of the entries that its upload refused, and how it is read back."""

import csv
import io
import json
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, read_statuses, status_and_code
from tests.api.formats import BOM, CSV, HEADER, NDJSON, ROW, Format, every_format
from tests.api.reading import PUBLIC_URL, Read, follow
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer

TOO_MUCH = {"hours": ["Ensure this value is less than or equal to 24."]}
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMDcifQ.c2lnbmF0dXJl"


def find(response: ClientResponse) -> str:
    """The path of what the upload refused."""
    return f"{response.headers['Location']}/rejections"


@pytest.fixture
def keep(upload: Upload, read: Read) -> Any:
    """What is kept of one refused line of NDJSON."""

    def send(line: bytes) -> Any:
        [rejection] = read(find(upload(line, content_type=NDJSON.media_type))).json()["results"]
        return rejection["entry"]

    return send


@every_format
def test_a_receipt_keeps_what_its_upload_refused(
    correct: Upload, upload_many: UploadMany, read: Read, batch_format: Format
) -> None:
    correct(make_entry(entry_id="a"))
    corrected = correct(make_entry(entry_id="a", hours=6, revision=2, reason="x")).json()["id"]
    gap, too_long = make_entry(entry_id="a", revision=4, reason="x"), make_entry(hours=25, entry_id="b")

    response = upload_many([make_entry(), too_long, make_entry(entry_id="a", hours=7)])
    scope = upload_many([make_entry(), gap], batch_format)

    invalid, conflict = read(find(response)).json()["results"]
    rest = {"code": "invalid_entry", "errors": TOO_MUCH, "entry": too_long}
    assert invalid == {"index": 1, "status": 422, **rest}
    words = f"This entry_id belongs to timesheet {corrected}, which differs and stays unchanged. "
    assert (conflict["index"], conflict["status"], conflict["code"]) == (2, 409, "conflict")
    assert conflict["errors"] == {"entry_id": [f"{words}To correct it, send revision 3."]}
    [missing] = read(find(scope)).json()["results"]
    assert {name: missing[name] for name in missing if name in ("index", "line")} == batch_format.locate(1)
    assert (missing["status"], missing["code"]) == (403, "insufficient_scope")
    kept = missing["entry"]
    assert [str(value) for value in kept.values()] == [str(gap[name]) for name in kept]


def test_a_revision_gap_has_its_code(correct: Upload, correct_many: UploadMany, read: Read) -> None:
    correct(make_entry(entry_id="a"))

    response = correct_many(
        [make_entry(entry_id=key, revision=revision, reason="x") for key, revision in (("a", 3), ("c", 2))]
    )

    codes = [each["code"] for each in read(find(response)).json()["results"]]
    assert codes == ["revision_gap", "invalid_entry"]


KEPT: list[tuple[Any, Any]] = [
    ("x" * 201, "x" * 200),
    ("\0a", "\ufffda"),
    (f"Bearer {JWT} and", "Bearer … and"),
    ("x" * 190 + JWT, "x" * 190 + "…"),
    *((number, number) for number in (5, 7.25)),
    (2**60, float(2**60)),
    (True, "true"),
    (None, None),
    ([1, {"a": [JWT, None]}], '[1, {"a": ["…", null]}]'),
    (["y" * 300], '["' + "y" * 198),
]


def test_a_member_is_kept_as_it_was_sent_but_short_and_without_tokens(keep: Any) -> None:
    for sent, kept in KEPT:
        assert keep(json.dumps({"unknown": sent}).encode()) == {"unknown": kept}
        assert keep(json.dumps({"project": sent}).encode()) == {"project": kept}


@pytest.mark.parametrize(
    ("number", "kept"),
    [("1E+400", "1E+400"), ("1E+99999999999999999999", "Infinity"), ("1e-400", 0), ("-0.5", -0.5)],
)
def test_a_number_beyond_json_is_kept_as_text(keep: Any, number: str, kept: Any) -> None:
    assert keep(b'{"hours": %s}' % number.encode()) == {"hours": kept}


def test_a_repeated_member_is_left_out(keep: Any) -> None:
    assert keep(b'{"user_id": "007", "hours": 1, "hours": 2, "x": {"a": 1, "a": 2}}') == {
        "user_id": "007",
        "x": '{"a": null}',
    }


def test_at_most_20_unknown_members_are_kept_besides_the_known_ones(keep: Any) -> None:
    members = {f"x{number}": "" for number in range(25)}

    assert keep(json.dumps({**members, "hours": 25}).encode()) == {
        **dict.fromkeys(list(members)[:20], ""),
        "hours": 25,
    }


def test_names_are_cut_and_cleaned_too(upload: Upload, read: Read) -> None:
    sent = [{"n" * 201: 1, f"\0{JWT}": 2}]

    [rejection] = read(find(upload(sent))).json()["results"]

    assert rejection["entry"] == {"n" * 200: 1, "\ufffd…": 2}
    assert JWT not in json.dumps(rejection)
    assert "\0" not in "".join(rejection["errors"])


@pytest.mark.parametrize(
    ("batch_format", "body", "text"),
    [
        pytest.param(NDJSON, b"{" + JWT.encode() + b"\0\xff", "{…\ufffd\ufffd", id="line"),
        *((NDJSON, value, value.decode().strip('"')) for value in (b'"text"', b"[1.5, null]", b"17")),
        (CSV, HEADER + b'a,"b\r\nc"\r\n', "a,b\r\nc"),
        (CSV, HEADER + b'a,"b"c\r\n', 'a,"b"c'),
        (CSV, HEADER + b"007,2017-05-10,\xff,5\n", "007,2017-05-10,\ufffd,5"),
        (CSV, HEADER + b'"' + b"x" * 300, '"' + "x" * 199),
    ],
)
def test_what_has_no_members_is_kept_as_text(
    upload: Upload, read: Read, batch_format: Format, body: bytes, text: str
) -> None:
    [rejection] = read(find(upload(body, content_type=batch_format.media_type))).json()["results"]
    assert rejection["entry"] == {"text": text}
    assert rejection["line"] == batch_format.first_line


def test_the_first_thousand_are_kept(upload_many: UploadMany, read: Read) -> None:
    response = upload_many([make_entry(), *[make_entry(hours=25)] * 1001])

    pages = list(follow(read, f"{find(response)}?page_size=600"))

    indexes = [[each["index"] for each in page.json()["results"]] for page in pages]
    assert indexes == [[*range(1, 601)], [*range(601, 1001)]]
    assert pages[0].headers["Link"] == f'<{pages[0].json()["next"]}>; rel="next"'
    assert pages[0].json()["next"].startswith(f"{PUBLIC_URL}{find(response)}?page_size=600&cursor=")


def test_another_clients_rejections_do_not_exist(upload_many: UploadMany, read: Read, issuer: Issuer) -> None:
    path = find(upload_many([{}]))
    stranger = issuer.mint(scope="read:timesheets", azp="reporting", sub="reporting@clients")

    assert len(read(path).json()["results"]) == 1
    assert status_and_code(read(path, token=stranger)) == (404, "not_found")
    assert status_and_code(read("/uploads/4711/rejections")) == (404, "not_found")


@pytest.mark.parametrize("query", ["order=newest", "label=a", "cursor=x", "page_size=0"])
def test_a_wrong_parameter_is_refused(upload_many: UploadMany, read: Read, query: str) -> None:
    assert status_and_code(read(f"{find(upload_many([{}]))}?{query}")) == (400, "invalid_parameter")


def test_the_csv_can_be_corrected_and_uploaded_as_it_is(
    upload: Upload, upload_many: UploadMany, read: Read
) -> None:
    entries = [
        make_entry(hours=25, entry_id="a"),
        make_entry(hours=0.5, project='a,"b"\r\nc', entry_id=None),
        make_entry(user_id=None, hours=7.25, entry_id="c"),
    ]
    response = read(find(upload_many(entries)), Accept="text/csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = response.content.decode()

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == [
        "user_id", "date", "project", "hours", "entry_id", "revision", "reason", "errors",
    ]  # fmt: skip
    assert [row["errors"] for row in rows] == [
        "hours: Ensure this value is less than or equal to 24.",
        "project: Control characters are not allowed.",
        "user_id: This field may not be null.",
    ]
    assert read_statuses(upload(text.encode(), content_type="text/csv")) == [422, 422, 422]
    for row, member in zip(rows, ({"hours": "4"}, {"project": "X"}, {"user_id": "1"}), strict=True):
        row.update(member)
    corrected = io.StringIO()
    writer = csv.DictWriter(corrected, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    assert read_statuses(upload(corrected.getvalue().encode(), content_type="text/csv")) == [201] * 3


def test_the_csv_quotes_a_malformed_row_in_its_errors(upload: Upload, read: Read) -> None:
    response = upload(BOM + HEADER + ROW + b"a,b\n", content_type="text/csv")

    [row] = csv.DictReader(io.StringIO(read(find(response), Accept="text/csv").content.decode()))
    assert row.pop("errors") == "This row has 2 cells, and the header has 4. Sent: a,b"
    assert set(row.values()) == {""}


def test_only_in_csv_is_the_member_errors_ignored(upload: Upload, upload_many: UploadMany) -> None:
    rows = b"errors,user_id,date,project,hours\n" + b'"x\ny",' + ROW + b"," + ROW

    assert read_statuses(upload(rows, content_type="text/csv")) == [201, 201]
    assert read_statuses(upload_many([make_entry(errors="x")], NDJSON)) == [422]


def test_receipts_with_refused_entries_can_be_listed(upload_many: UploadMany, read: Read) -> None:
    ids = [int(upload_many([entry]).headers["Location"].split("/")[-1]) for entry in (make_entry(), {}, {})]

    def list_uploads(query: str) -> list[list[int]]:
        return [[each["id"] for each in page.json()["results"]] for page in follow(read, f"/uploads?{query}")]

    assert list_uploads("rejected=true&page_size=1") == [[ids[1]], [ids[2]]]
    assert list_uploads("rejected=false") == [ids]
    assert status_and_code(read("/uploads?rejected=yes")) == (400, "invalid_parameter")
