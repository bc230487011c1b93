"""Many entries in one upload: each is judged, and all that can be stored is stored together."""

import csv
import gzip
import io
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
from django.http import HttpResponse

from tests.issuer import Issuer
from tests.server.conftest import TUTORIAL_ENTRY, Upload
from timesheets.models import Timesheet

EIGHT_MEBIBYTES = 8 * 1024 * 1024
SIXTEEN_MEBIBYTES = 16 * 1024 * 1024
LIMITS = {"entries": 10_000, "bytes": EIGHT_MEBIBYTES, "unzipped_bytes": SIXTEEN_MEBIBYTES}
BOM = b"\xef\xbb\xbf"
HEADER = b"user_id,date,project,hours\n"
ROW = b"007,2017-05-10T17:40:20.095Z,StoreZero,5\n"
TOO_MUCH = {"hours": ["Ensure this value is less than or equal to 24."]}


def entry(**members: Any) -> dict[str, Any]:
    return {**TUTORIAL_ENTRY, **members}


def write_ndjson(entries: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def write_csv(entries: Sequence[dict[str, Any]]) -> bytes:
    rows = io.StringIO()
    writer = csv.DictWriter(rows, ["user_id", "date", "project", "hours", "entry_id"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(entries)
    return rows.getvalue().encode()


@dataclass(frozen=True)
class Format:
    media_type: str
    write: Callable[[Sequence[dict[str, Any]]], bytes]


ARRAY = Format("application/json", lambda entries: json.dumps(entries).encode())
NDJSON = Format("application/x-ndjson", write_ndjson)
CSV = Format("text/csv", write_csv)

every_format = pytest.mark.parametrize(
    "form",
    [pytest.param(ARRAY, id="array"), pytest.param(NDJSON, id="ndjson"), pytest.param(CSV, id="csv")],
)

UploadMany = Callable[..., HttpResponse]


@pytest.fixture
def upload_many(upload: Upload) -> UploadMany:
    """Post entries in a format, with a query string."""

    def post(entries: Sequence[Any], form: Format = ARRAY, query: str = "", **more: Any) -> HttpResponse:
        path = f"/timesheets/upload{query}"
        return upload(form.write(entries), path=path, content_type=form.media_type, **more)

    return post


def upload_lines(upload: Upload, body: bytes, **more: Any) -> HttpResponse:
    return upload(body, content_type="application/x-ndjson", **more)


def upload_rows(upload: Upload, body: bytes, **more: Any) -> HttpResponse:
    return upload(body, content_type="text/csv", **more)


def judge(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def read_statuses(response: HttpResponse) -> list[int]:
    assert response.status_code == HTTPStatus.MULTI_STATUS
    return [item["status"] for item in response.json()["entries"]]


def read_reasons(response: HttpResponse) -> dict[int, str]:
    """Why each entry that could not be read was refused, by its index."""
    assert response.status_code == HTTPStatus.MULTI_STATUS
    return {
        item["index"]: item["errors"]["non_field_errors"][0]
        for item in response.json()["entries"]
        if item["status"] == 422
    }


# What is many


@every_format
def test_one_entry_in_a_format_of_many_is_many(upload_many: UploadMany, form: Format) -> None:
    response = upload_many([entry()], form)

    stored = Timesheet.objects.get()
    assert response.status_code == 207
    assert response.json() == {
        "received": 1,
        "created": 1,
        "existing": 0,
        "rejected": 0,
        "entries": [{"index": 0, "status": 201, "id": stored.pk}],
    }


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
def test_none_at_all_is_many_of_none(upload: Upload, media_type: str, body: bytes, query: str) -> None:
    # Django's test client announces no length for an empty body.
    response = upload(
        body,
        path=f"/timesheets/upload{query}",
        content_type=media_type,
        CONTENT_TYPE=media_type,
        CONTENT_LENGTH=str(len(body)),
    )

    assert response.status_code == 207
    assert response.json() == {"received": 0, "created": 0, "existing": 0, "rejected": 0, "entries": []}


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "Application/X-NDJSON",
        "application/jsonl; charset=utf-8",
    ],
)
def test_ndjson_has_several_names(upload: Upload, media_type: str) -> None:
    response = upload(write_ndjson([entry(), entry()]), content_type=media_type)

    assert read_statuses(response) == [201, 201]


@every_format
def test_entries_are_stored_with_their_client_and_subject(
    upload_many: UploadMany, issuer: Issuer, form: Format
) -> None:
    upload_many([entry(entry_id="a"), entry(entry_id="b", hours="7.25")], form)

    stored = Timesheet.objects.order_by("id").values_list(
        "client__issuer", "client__client_id", "subject", "entry_id", "user_id", "project", "hours"
    )
    who = (issuer.url, "payroll", "payroll@clients")
    assert [(*row[:-1], str(row[-1])) for row in stored] == [
        (*who, "a", "007", "StoreZero", "5.00"),
        (*who, "b", "007", "StoreZero", "7.25"),
    ]


# Verdicts


@every_format
def test_each_entry_has_its_verdict_in_order(upload_many: UploadMany, form: Format) -> None:
    upload_many([entry(entry_id="stored"), entry(entry_id="other")])
    stored, other = Timesheet.objects.order_by("id").values_list("id", flat=True)

    response = upload_many(
        [
            entry(),
            entry(hours=25),
            entry(entry_id="stored", hours="5.00"),
            entry(entry_id="other", project="StoreOne"),
            entry(entry_id="new"),
        ],
        form,
    )

    first, last = Timesheet.objects.exclude(id__in=[stored, other]).order_by("id")
    assert response.status_code == 207
    assert response.json() == {
        "received": 5,
        "created": 2,
        "existing": 1,
        "rejected": 2,
        "entries": [
            {"index": 0, "status": 201, "id": first.pk},
            {"index": 1, "status": 422, "errors": TOO_MUCH},
            {"index": 2, "status": 200, "id": stored},
            {"index": 3, "status": 409, "id": other},
            {"index": 4, "status": 201, "id": last.pk},
        ],
    }
    assert (first.entry_id, last.entry_id) == (None, "new")


def test_a_conflict_leaves_the_stored_entry_as_it_was(upload_many: UploadMany) -> None:
    upload_many([entry(entry_id="a")])

    upload_many([entry(entry_id="a", project="StoreOne")])

    assert Timesheet.objects.get().project == "StoreZero"


@every_format
def test_a_batch_that_is_sent_again_doubles_nothing(upload_many: UploadMany, form: Format) -> None:
    entries = [entry(entry_id=f"week-19:{number}") for number in range(20)]
    first = upload_many(entries, form).json()

    second = upload_many(entries, form).json()

    assert (first["created"], second["created"], second["existing"]) == (20, 0, 20)
    assert [item["id"] for item in second["entries"]] == [item["id"] for item in first["entries"]]
    assert Timesheet.objects.count() == 20


def test_a_batch_and_a_single_entry_know_each_other(upload: Upload, upload_many: UploadMany) -> None:
    stored = upload(entry(entry_id="a")).json()

    response = upload_many([entry(entry_id="a")])

    assert response.json()["entries"] == [{"index": 0, "status": 200, "id": stored["id"]}]


def test_entries_without_an_entry_id_are_all_new(upload_many: UploadMany) -> None:
    response = upload_many([entry(), entry(), entry(entry_id=None)])

    assert read_statuses(response) == [201, 201, 201]
    assert len({item["id"] for item in response.json()["entries"]}) == 3


def test_new_ids_go_to_the_right_entries_among_old_ones_and_nameless_ones(upload_many: UploadMany) -> None:
    entries = [entry(entry_id=[f"old-{n}", f"new-{n}", None][n % 3], project=f"P{n}") for n in range(20)]
    upload_many(entries[::3])

    items = upload_many(entries).json()["entries"]

    projects = dict(Timesheet.objects.values_list("id", "project"))
    assert [projects[item["id"]] for item in items] == [item["project"] for item in entries]


def test_two_clients_may_use_the_same_entry_ids(upload_many: UploadMany, issuer: Issuer) -> None:
    upload_many([entry(entry_id="a")])

    response = upload_many([entry(entry_id="a", hours=6)], token=issuer.mint(azp="another", sub="another"))

    assert read_statuses(response) == [201]


@every_format
def test_all_errors_of_an_entry_are_told(upload_many: UploadMany, form: Format) -> None:
    response = upload_many([{"user_id": "", "date": "10.5.2017", "project": "x" * 129, "hours": "0"}], form)

    [item] = response.json()["entries"]
    assert list(item["errors"]) == ["user_id", "date", "project", "hours"]


# Repeats within a batch


@every_format
def test_of_repeats_the_first_valid_one_counts(upload_many: UploadMany, form: Format) -> None:
    response = upload_many(
        [
            entry(entry_id="a", hours=25),
            entry(entry_id="a", hours=5),
            entry(entry_id="a", hours="5.0"),
            entry(entry_id="a", hours=6),
            entry(entry_id="a", hours=5),
        ],
        form,
    )

    stored = Timesheet.objects.get()
    assert response.json() == {
        "received": 5,
        "created": 1,
        "existing": 2,
        "rejected": 2,
        "entries": [
            {"index": 0, "status": 422, "errors": TOO_MUCH},
            {"index": 1, "status": 201, "id": stored.pk},
            {"index": 2, "status": 200, "id": stored.pk},
            {"index": 3, "status": 409, "id": stored.pk},
            {"index": 4, "status": 200, "id": stored.pk},
        ],
    }
    assert stored.hours == 5


def test_repeats_of_a_stored_entry_are_compared_with_it(upload_many: UploadMany) -> None:
    upload_many([entry(entry_id="a")])

    response = upload_many([entry(entry_id="a", hours=6), entry(entry_id="a"), entry(entry_id="a", hours=6)])

    assert read_statuses(response) == [409, 200, 409]


def test_equal_repeats_do_not_refuse_an_atomic_batch(upload_many: UploadMany) -> None:
    response = upload_many([entry(entry_id="a"), entry(entry_id="a")], query="?atomic=true")

    assert read_statuses(response) == [201, 200]
    assert Timesheet.objects.count() == 1


def test_unequal_repeats_refuse_an_atomic_batch_without_an_id(upload_many: UploadMany) -> None:
    response = upload_many(
        [entry(entry_id="a"), entry(entry_id="a", hours=6), entry(entry_id="a")], query="?atomic=true"
    )

    assert judge(response) == (422, "batch_refused")
    assert response.json()["entries"] == [
        {"index": 0, "status": 424},
        {"index": 1, "status": 409},
        {"index": 2, "status": 424},
    ]
    assert not Timesheet.objects.exists()


def test_a_dry_run_tells_no_id_of_a_row_that_will_not_exist(upload_many: UploadMany) -> None:
    response = upload_many(
        [entry(entry_id="a"), entry(entry_id="a"), entry(entry_id="a", hours=6), entry()],
        query="?dry_run=true",
    )

    assert response.json()["entries"] == [
        {"index": 0, "status": 201},
        {"index": 1, "status": 200},
        {"index": 2, "status": 409},
        {"index": 3, "status": 201},
    ]


# What is wrong with one entry, and what with all


@pytest.mark.parametrize(
    ("element", "errors"),
    [
        pytest.param(
            b'{"user_id":"007","date":"2017-05-10","project":"StoreZero","hours":5,"hours":5}',
            {"hours": ["This member comes more than once."]},
            id="repeated-member",
        ),
        pytest.param(
            b'{"user_id":"007","date":"2017-05-10","project":"StoreZero","hours":1e400}', TOO_MUCH, id="1e400"
        ),
        pytest.param(
            b'{"user_id":"007","date":"2017-05-10","project":"StoreZero","hours":%s}' % (b"1" * 5000),
            TOO_MUCH,
            id="5000-digits",
        ),
        pytest.param(
            b'{"user_id":"007","date":"2017-05-10","project":"StoreZero","hours":1e99999999999999999999}',
            TOO_MUCH,
            id="huge-exponent",
        ),
        pytest.param(
            b'{"user_id":"007","date":"2017-05-10","project":"StoreZero","hours":5,"colour":"red"}',
            {"colour": ["There is no such member."]},
            id="unknown-member",
        ),
    ],
)
@pytest.mark.parametrize(
    ("media_type", "join"),
    [
        pytest.param("application/json", lambda elements: b"[" + b",".join(elements) + b"]", id="array"),
        pytest.param("application/x-ndjson", lambda elements: b"\n".join(elements), id="ndjson"),
    ],
)
def test_what_is_wrong_within_an_entry_is_its_own(
    upload: Upload, element: bytes, errors: dict[str, Any], media_type: str, join: Callable[..., bytes]
) -> None:
    good = json.dumps(entry()).encode()

    response = upload(join([good, element, good]), content_type=media_type)

    assert read_statuses(response) == [201, 422, 201]
    assert response.json()["entries"][1]["errors"] == errors


@pytest.mark.parametrize("element", ["null", "true", "5", "1e99999999999999999999", '"007"', "[]", "[{}]"])
def test_an_element_that_is_no_object_is_its_own_error(upload: Upload, element: str) -> None:
    good = json.dumps(entry())

    response = upload(f"[{good},{element},{good}]".encode())

    assert read_statuses(response) == [201, 422, 201]
    assert list(read_reasons(response)) == [1]


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"", id="no-end"),
        pytest.param(b",]", id="trailing-comma"),
        pytest.param(b",,{}]", id="two-commas"),
        pytest.param(b" {}]", id="no-comma"),
        pytest.param(b"}", id="another-bracket"),
        pytest.param(b"]]", id="two-ends"),
        pytest.param(b"][]", id="two-arrays"),
        pytest.param(b'],{"a":1}', id="more-behind"),
        pytest.param(b",{]", id="broken-object"),
        pytest.param(b",NaN]", id="nan"),
        pytest.param(b",-Infinity]", id="infinity"),
        pytest.param(b',"\xff"]', id="not-utf-8"),
        pytest.param(rb',"\ud800"]', id="lone-surrogate"),
        pytest.param(b"," + b"[" * 33 + b"]" * 33 + b"]", id="33-levels"),
        pytest.param(b"]\x00", id="nul-behind"),
    ],
)
def test_a_malformed_array_stores_nothing(upload: Upload, tail: bytes) -> None:
    response = upload(b"[" + json.dumps(entry()).encode() + tail)

    assert judge(response) == (400, "malformed_body")
    assert not Timesheet.objects.exists()


def test_an_entry_of_32_levels_in_an_array_is_judged(upload: Upload) -> None:
    response = upload(b"[" + b'{"a":' * 32 + b"1" + b"}" * 32 + b"]")

    assert read_statuses(response) == [422]


def test_a_bom_before_an_array_is_malformed(upload: Upload) -> None:
    assert judge(upload(BOM + b"[]")) == (400, "malformed_body")


# NDJSON


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"{}{}", id="two-values"),
        pytest.param(b'{"user_id": NaN}', id="nan"),
        pytest.param(b'{"user_id": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"user_id": "\xed\xa0\x80"}', id="encoded-surrogate"),
        pytest.param(rb'{"user_id": "\udfff"}', id="escaped-surrogate"),
        pytest.param(b'{"user_id": "a\x00b"}', id="bare-nul"),
        pytest.param(b"\xef\xbb\xbf{}", id="bom-within"),
        pytest.param(b"\x0c", id="form-feed"),
        pytest.param(b"\xc2\xa0", id="no-break-space"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, id="33-levels"),
        pytest.param(b"007,2017-05-10,StoreZero,5", id="csv"),
    ],
)
def test_a_malformed_line_is_its_own_error(upload: Upload, line: bytes) -> None:
    good = json.dumps(entry()).encode()

    response = upload_lines(upload, b"\n".join([good, line, good]))

    assert read_statuses(response) == [201, 422, 201]
    assert read_reasons(response)[1].startswith("This line is not JSON: ")


def test_blank_lines_are_neither_entries_nor_counted(upload: Upload) -> None:
    good = json.dumps(entry()).encode()

    response = upload_lines(upload, b"\n\n" + good + b"\n \t \n\r\n{}\n\n" + good)

    assert read_statuses(response) == [201, 422, 201]
    assert [item["index"] for item in response.json()["entries"]] == [0, 1, 2]


def test_lines_may_end_in_crlf(upload: Upload) -> None:
    good = json.dumps(entry()).encode()

    assert read_statuses(upload_lines(upload, good + b"\r\n" + good + b"\r\n")) == [201, 201]


def test_a_bom_before_ndjson_is_skipped(upload: Upload) -> None:
    assert read_statuses(upload_lines(upload, BOM + write_ndjson([entry()]))) == [201]


def test_an_object_over_several_lines_is_not_ndjson(upload: Upload) -> None:
    response = upload_lines(upload, b'{"user_id": "007",\n"hours": 5}')

    assert read_statuses(response) == [422, 422]


# CSV


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "must name the columns", id="empty"),
        pytest.param(BOM, "must name the columns", id="bom-alone"),
        pytest.param(b"\n\r\n\n", "must name the columns", id="blank-rows-alone"),
        pytest.param(ROW + ROW, "does not name the columns user_id, date, project, hours", id="no-header"),
        pytest.param(b"user_id,date,hours\n" + ROW, "does not name the columns project", id="missing"),
        pytest.param(b"user_id,date,project,hours,colour\n" + ROW, "1 columns that entries", id="unknown"),
        pytest.param(b"user_id,date,project,hours,\n" + ROW, "1 columns that entries", id="without-a-name"),
        pytest.param(b"user_id,date,project,hours,hours\n" + ROW, "more than once", id="repeated"),
        pytest.param(
            b"user_id,date,project,hours,entry_id,entry_id\n", "more than once", id="repeated-entry-id"
        ),
        pytest.param(
            b"user_id, date,project,hours\n" + ROW, "does not name the columns date", id="blank-before"
        ),
        pytest.param(
            b"User_ID,date,project,hours\n" + ROW, "does not name the columns user_id", id="upper-case"
        ),
        pytest.param(b"user_id;date;project;hours\n" + ROW, "does not name the columns", id="semicolons"),
        pytest.param(b'"user_id,date,project,hours\n' + ROW, "must name the columns", id="unclosed-quote"),
        pytest.param(
            b'"user_id"s,date,project,hours\n' + ROW, "must name the columns", id="text-after-a-quote"
        ),
        pytest.param(
            b"user_id\xff,date,project,hours\n", "does not name the columns user_id", id="not-utf-8"
        ),
        pytest.param(BOM + BOM + HEADER + ROW, "does not name the columns user_id", id="two-boms"),
        pytest.param((HEADER + ROW).decode().encode("utf-16"), "name the columns", id="utf-16"),
    ],
)
def test_a_header_that_does_not_name_the_columns_stores_nothing(
    upload: Upload, body: bytes, words: str
) -> None:
    response = upload_rows(upload, body, CONTENT_TYPE="text/csv", CONTENT_LENGTH=str(len(body)))

    assert judge(response) == (400, "malformed_header")
    assert words in response.json()["detail"]
    assert not Timesheet.objects.exists()


def test_columns_may_come_in_any_order(upload: Upload) -> None:
    upload_rows(upload, b"hours,entry_id,project,user_id,date\n5,a,StoreZero,007,2017-05-10\n")

    stored = Timesheet.objects.get()
    assert (stored.entry_id, stored.user_id, stored.project, stored.hours) == ("a", "007", "StoreZero", 5)


def test_an_empty_entry_id_cell_means_none(upload: Upload) -> None:
    rows = (
        b'user_id,date,project,hours,entry_id\n007,2017-05-10,StoreZero,5,\n007,2017-05-10,StoreZero,5,""\n'
    )

    assert read_statuses(upload_rows(upload, rows)) == [201, 201]
    assert set(Timesheet.objects.values_list("entry_id", flat=True)) == {None}


def test_a_blank_in_an_entry_id_cell_is_no_empty_one(upload: Upload) -> None:
    rows = b"user_id,date,project,hours,entry_id\n007,2017-05-10,StoreZero,5, \n"

    [item] = upload_rows(upload, rows).json()["entries"]

    assert list(item["errors"]) == ["entry_id"]


@pytest.mark.parametrize(
    ("row", "project"),
    [
        pytest.param(b'007,2017-05-10,"Store, Zero",5\n', "Store, Zero", id="comma"),
        pytest.param(b'007,2017-05-10,"Store ""Zero""",5\n', 'Store "Zero"', id="quotes"),
        pytest.param(b'"007","2017-05-10","StoreZero","5"\n', "StoreZero", id="all-quoted"),
        pytest.param("007,2017-05-10,Größe,5\n".encode(), "Größe", id="umlaut"),
        pytest.param(b"007,2017-05-10, StoreZero\t,5\n", "StoreZero", id="trimmed"),
        pytest.param(b"007,2017-05-10,StoreZero,5", "StoreZero", id="no-newline-at-the-end"),
        pytest.param(b"007,2017-05-10,StoreZero,5\r\n", "StoreZero", id="crlf"),
        pytest.param(b"007,2017-05-10,=1+1,5\n", "=1+1", id="formula-as-it-is"),
    ],
)
def test_a_cell_is_what_rfc_4180_says(upload: Upload, row: bytes, project: str) -> None:
    response = upload_rows(upload, HEADER + row)

    assert read_statuses(response) == [201]
    assert Timesheet.objects.get().project == project


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param(b"007,2017-05-10,StoreZero\n", "3 columns, and the header has 4", id="too-few"),
        pytest.param(b"007,2017-05-10,StoreZero,5,\n", "5 columns, and the header has 4", id="too-many"),
        pytest.param(b" \n", "1 columns, and the header has 4", id="blank-that-is-a-cell"),
        pytest.param(b'007,2017-05-10,"StoreZero"s,5\n', "text follows a closing quote", id="text-after"),
        pytest.param(b'007,2017-05-10,"StoreZero" ,5\n', "text follows a closing quote", id="blank-after"),
        pytest.param(b"007,2017-05-10,Store\rZero,5\n", "a carriage return stands alone", id="bare-cr"),
        pytest.param(b"007,2017-05-10,Store\xff,5\n", "not UTF-8", id="not-utf-8"),
        pytest.param(b"007,2017-05-10,Store\xed\xa0\x80,5\n", "not UTF-8", id="encoded-surrogate"),
    ],
)
def test_a_malformed_row_is_its_own_error(upload: Upload, row: bytes, words: str) -> None:
    response = upload_rows(upload, HEADER + ROW + row + ROW)

    assert read_statuses(response) == [201, 422, 201]
    assert words in read_reasons(response)[1]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(b'007,2017-05-10,Store"Zero",5\n', id="within-a-cell"),
        pytest.param(b'007,2017-05-10, "StoreZero",5\n', id="after-a-blank"),
    ],
)
def test_a_quote_in_a_bare_cell_is_no_csv(upload: Upload, row: bytes) -> None:
    assert read_statuses(upload_rows(upload, HEADER + ROW + row + ROW)) == [201, 422, 201]


def test_a_newline_in_a_quoted_cell_is_a_control_character(upload: Upload) -> None:
    response = upload_rows(upload, HEADER + ROW + b'007,2017-05-10,"Store\nZero",5\n' + ROW)

    assert read_statuses(response) == [201, 422, 201]
    assert response.json()["entries"][1]["errors"] == {"project": ["Control characters are not allowed."]}


def test_an_unclosed_quote_takes_the_rest(upload: Upload) -> None:
    response = upload_rows(upload, HEADER + ROW + b'007,2017-05-10,"StoreZero,5\n' + ROW + ROW)

    assert read_statuses(response) == [201, 422]
    assert "a quote is never closed" in read_reasons(response)[1]


def test_a_long_cell_is_its_rows_own_error(upload: Upload) -> None:
    response = upload_rows(upload, HEADER + ROW + b"007,2017-05-10,%s,5\n" % (b"x" * 200_000) + ROW)

    assert read_statuses(response) == [201, 422, 201]


def test_nothing_in_a_long_quoted_cell_is_a_row(upload: Upload) -> None:
    cell = b"x" * 200_000 + b"\n" + ROW

    response = upload_rows(upload, HEADER + b'007,2017-05-10,"%s",5\n' % cell + ROW)

    assert read_statuses(response) == [422, 201]


def test_blank_rows_are_neither_entries_nor_counted(upload: Upload) -> None:
    response = upload_rows(upload, b"\n" + HEADER + b"\n\r\n" + ROW + b"\n\n" + ROW + b"\r\n")

    assert read_statuses(response) == [201, 201]
    assert [item["index"] for item in response.json()["entries"]] == [0, 1]


def test_a_bom_before_csv_is_skipped(upload: Upload) -> None:
    assert read_statuses(upload_rows(upload, BOM + HEADER + ROW)) == [201]


# All or none, and not really


@every_format
@pytest.mark.parametrize(
    ("failing", "item"),
    [
        pytest.param({"hours": 25}, {"status": 422, "errors": TOO_MUCH}, id="invalid"),
        pytest.param({"entry_id": "stored", "hours": 6}, {"status": 409, "id": "stored"}, id="conflict"),
    ],
)
def test_one_failure_refuses_an_atomic_batch(
    upload_many: UploadMany, form: Format, failing: dict[str, Any], item: dict[str, Any]
) -> None:
    upload_many([entry(entry_id="stored")])
    stored = Timesheet.objects.get()

    response = upload_many(
        [entry(entry_id="a"), entry(entry_id="stored"), entry(**failing), entry()], form, "?atomic=true"
    )

    problem = response.json()
    expected = {**item, "id": stored.pk} if "id" in item else item
    assert judge(response) == (422, "batch_refused")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert {name: problem[name] for name in ("received", "created", "existing", "rejected")} == {
        "received": 4,
        "created": 0,
        "existing": 1,
        "rejected": 3,
    }
    assert problem["entries"] == [
        {"index": 0, "status": 424},
        {"index": 1, "status": 200, "id": stored.pk},
        {"index": 2, **expected},
        {"index": 3, "status": 424},
    ]
    assert Timesheet.objects.get() == stored


@pytest.mark.parametrize(
    ("form", "bad"),
    [pytest.param(NDJSON, b"{\n", id="line"), pytest.param(CSV, b"a,b\n", id="row")],
)
def test_a_malformed_entry_refuses_an_atomic_batch(upload: Upload, form: Format, bad: bytes) -> None:
    response = upload(
        form.write([entry()]) + bad, path="/timesheets/upload?atomic=true", content_type=form.media_type
    )

    assert judge(response) == (422, "batch_refused")
    assert [item["status"] for item in response.json()["entries"]] == [424, 422]
    assert not Timesheet.objects.exists()


@every_format
def test_an_atomic_batch_without_failures_is_stored(upload_many: UploadMany, form: Format) -> None:
    upload_many([entry(entry_id="a")])

    response = upload_many([entry(entry_id="a"), entry()], form, "?atomic=true")

    assert read_statuses(response) == [200, 201]


@pytest.mark.parametrize("query", ["?atomic=false", "?dry_run=false", "?atomic=false&dry_run=false"])
def test_false_is_as_good_as_nothing(upload_many: UploadMany, query: str) -> None:
    response = upload_many([entry(), entry(hours=25)], query=query)

    assert read_statuses(response) == [201, 422]
    assert "dry_run" not in response.json()


@every_format
def test_a_dry_run_says_what_would_happen_and_stores_nothing(upload_many: UploadMany, form: Format) -> None:
    upload_many([entry(entry_id="stored")])
    stored = Timesheet.objects.get()

    response = upload_many(
        [
            entry(entry_id="a"),
            entry(hours=25),
            entry(entry_id="stored"),
            entry(entry_id="stored", hours=6),
        ],
        form,
        "?dry_run=true",
    )

    assert response.status_code == 200
    assert response.json() == {
        "received": 4,
        "created": 1,
        "existing": 1,
        "rejected": 2,
        "entries": [
            {"index": 0, "status": 201},
            {"index": 1, "status": 422, "errors": TOO_MUCH},
            {"index": 2, "status": 200, "id": stored.pk},
            {"index": 3, "status": 409, "id": stored.pk},
        ],
        "dry_run": True,
    }
    assert Timesheet.objects.get() == stored


def test_after_a_dry_run_the_entries_are_still_new(upload_many: UploadMany) -> None:
    upload_many([entry(entry_id="a")], query="?dry_run=true")

    assert read_statuses(upload_many([entry(entry_id="a")])) == [201]


def test_a_dry_run_of_an_atomic_batch_is_refused_like_the_batch(upload_many: UploadMany) -> None:
    response = upload_many([entry(), entry(hours=25)], query="?atomic=true&dry_run=true")

    problem = response.json()
    assert judge(response) == (422, "batch_refused")
    assert (problem["created"], problem["dry_run"]) == (0, True)
    assert [item["status"] for item in problem["entries"]] == [424, 422]


def test_a_dry_run_of_an_atomic_batch_without_failures_is_fine(upload_many: UploadMany) -> None:
    response = upload_many([entry(), entry()], query="?dry_run=true&atomic=true")

    assert response.status_code == 200
    assert response.json()["created"] == 2
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["?dry_run=true", "?dry_run=true&atomic=true"])
def test_a_dry_run_of_one_entry_answers_it_without_id_and_message(upload: Upload, query: str) -> None:
    response = upload(entry(entry_id="a", date="2017-05-10"), path=f"/timesheets/upload{query}")

    assert response.status_code == 200
    assert response.json() == {**entry(entry_id="a", date="2017-05-10T00:00:00Z"), "dry_run": True}
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["?dry_run=true", "?atomic=true", "?dry_run=true&atomic=true"])
@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        pytest.param({"entry_id": "stored", "hours": 6}, 409, "conflict", id="conflict"),
        pytest.param({"hours": 25}, 422, "invalid_entry", id="invalid"),
    ],
)
def test_one_failing_entry_is_refused_as_ever(
    upload: Upload, query: str, members: dict[str, Any], status: int, code: str
) -> None:
    upload(entry(entry_id="stored"))

    response = upload(entry(**members), path=f"/timesheets/upload{query}")

    assert judge(response) == (status, code)
    assert Timesheet.objects.count() == 1


def test_one_entry_is_stored_atomically_too(upload: Upload) -> None:
    response = upload(path="/timesheets/upload?atomic=true")

    assert response.status_code == 201
    assert Timesheet.objects.count() == 1


@pytest.mark.parametrize(
    "query",
    [
        "atomic=yes",
        "atomic=True",
        "atomic=1",
        "atomic=",
        "atomic",
        "atomic=true%20",
        "dry_run=0",
        "dry_run=%00",
        "atomic=true&atomic=true",
        "atomic=true&atomic=false",
        "dry_run=false&atomic=true&dry_run=true",
        "dryrun=true",
        "Atomic=true",
        "atomic=true&colour=red",
        "=true",
        "format=json",
        "%FF=true",
    ],
)
@pytest.mark.parametrize("body", [pytest.param(entry(), id="one"), pytest.param([entry()], id="many")])
def test_a_wrong_parameter_stores_nothing(upload: Upload, query: str, body: Any) -> None:
    response = upload(body, path=f"/timesheets/upload?{query}")

    assert judge(response) == (400, "invalid_parameter")
    assert not Timesheet.objects.exists()


@every_format
def test_an_idempotency_key_is_not_for_many(upload_many: UploadMany, form: Format) -> None:
    response = upload_many([entry()], form, headers={"Idempotency-Key": "week-19"})

    assert judge(response) == (400, "invalid_idempotency_key")
    assert not Timesheet.objects.exists()


# Fewer words


@pytest.mark.parametrize(
    "preference",
    [
        "return=minimal",
        "Return=minimal",
        'return="minimal"',
        "return = minimal",
        "return=minimal; because=size",
        "respond-async, return=minimal",
        "wait=10,return=minimal,handling=lenient",
        "return=minimal, return=representation",
    ],
)
def test_a_minimal_answer_tells_only_what_was_rejected(upload_many: UploadMany, preference: str) -> None:
    entries = [entry(entry_id="a"), entry(hours=25), entry(entry_id="a"), entry(entry_id="a", hours=6)]

    response = upload_many(entries, headers={"Prefer": preference})

    stored = Timesheet.objects.get()
    assert response.status_code == 207
    assert response.headers["Preference-Applied"] == "return=minimal"
    assert response.json() == {
        "received": 4,
        "created": 1,
        "existing": 1,
        "rejected": 2,
        "entries": [
            {"index": 1, "status": 422, "errors": TOO_MUCH},
            {"index": 3, "status": 409, "id": stored.pk},
        ],
    }


def test_a_minimal_dry_run_says_so(upload_many: UploadMany) -> None:
    response = upload_many([entry()], query="?dry_run=true", headers={"Prefer": "return=minimal"})

    assert response.status_code == 200
    assert response.headers["Preference-Applied"] == "return=minimal"
    assert (response.json()["entries"], response.json()["dry_run"]) == ([], True)


def test_a_minimal_refusal_tells_what_was_held_back(upload_many: UploadMany) -> None:
    upload_many([entry(entry_id="stored")])

    response = upload_many(
        [entry(), entry(entry_id="stored"), entry(hours=25)],
        query="?atomic=true",
        headers={"Prefer": "return=minimal"},
    )

    assert judge(response) == (422, "batch_refused")
    assert [item["status"] for item in response.json()["entries"]] == [424, 422]


@pytest.mark.parametrize(
    "preference",
    [
        "",
        "return",
        "minimal",
        "return=representation",
        "return=minimalist",
        "no-return=minimal",
        "return=",
        "return minimal",
        "x; return=minimal",
        "return=representation, return=minimal",
        'note="a, return=minimal"',
        'return="minimal',
    ],
)
def test_another_preference_changes_nothing(upload_many: UploadMany, preference: str) -> None:
    response = upload_many([entry()], headers={"Prefer": preference})

    assert read_statuses(response) == [201]
    assert "Preference-Applied" not in response.headers


# The log


@every_format
@pytest.mark.parametrize("query", ["", "?atomic=true", "?dry_run=true"])
def test_the_log_holds_counts_and_nobodys_name(
    upload_many: UploadMany, caplog: pytest.LogCaptureFixture, form: Format, query: str
) -> None:
    caplog.set_level(logging.INFO)

    response = upload_many(
        [
            entry(user_id="hannah", entry_id="secret-1"),
            entry(user_id="hannah", project="Layoffs", hours=25),
            entry(user_id="hannah", entry_id="secret-1", hours=6),
        ],
        form,
        query,
    )

    answer = response.json()
    [record] = [record for record in caplog.records if record.name == "timesheets.entries"]
    logged = json.loads(record.getMessage())
    assert logged.pop("atomic") is (query == "?atomic=true")
    assert logged == {name: answer[name] for name in logged}
    assert set(logged) - {"dry_run"} == {"received", "created", "existing", "rejected"}
    assert not any(word in caplog.text for word in ("hannah", "Layoffs", "StoreZero", "secret-1"))


# Encodings


@every_format
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", " gzip "])
def test_many_may_come_zipped(upload: Upload, form: Format, encoding: str) -> None:
    body = gzip.compress(form.write([entry(), entry()]))

    response = upload(body, content_type=form.media_type, headers={"Content-Encoding": encoding})

    assert read_statuses(response) == [201, 201]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_one_entry_may_come_zipped(upload: Upload, encoding: str) -> None:
    body = gzip.compress(json.dumps(entry()).encode())

    assert upload(body, headers={"Content-Encoding": encoding}).status_code == 201


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_identity_is_no_encoding(upload_many: UploadMany, encoding: str) -> None:
    assert read_statuses(upload_many([entry()], headers={"Content-Encoding": encoding})) == [201]


@every_format
def test_gzip_may_have_several_members(upload: Upload, form: Format) -> None:
    body = form.write([entry(), entry()])
    zipped = b"".join(gzip.compress(body[start : start + 50]) for start in range(0, len(body), 50))

    response = upload(zipped, content_type=form.media_type, headers={"Content-Encoding": "gzip"})

    assert read_statuses(response) == [201, 201]


@pytest.mark.parametrize(
    "encoding", ["br", "deflate", "zstd", "compress", "gzip, gzip", "identity, gzip", "gzip;q=1", "*"]
)
@every_format
def test_another_encoding_is_not_supported(upload_many: UploadMany, form: Format, encoding: str) -> None:
    response = upload_many([entry()], form, headers={"Content-Encoding": encoding})

    assert judge(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
@every_format
def test_the_charset_may_be_named(upload_many: UploadMany, form: Format, charset: str) -> None:
    response = upload_many([entry()], form, CONTENT_TYPE=f"{form.media_type}; charset={charset}")

    assert read_statuses(response) == [201]


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "us-ascii", "utf-8-sig", "nonsense", '""'])
@every_format
def test_another_charset_is_not_supported(upload_many: UploadMany, form: Format, charset: str) -> None:
    response = upload_many([entry()], form, CONTENT_TYPE=f"{form.media_type}; charset={charset}")

    assert judge(response) == (415, "unsupported_media_type")
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("media_type", ["text/plain", "application/json-seq", "text/x-csv", "application/*"])
def test_another_media_type_is_not_supported(upload: Upload, media_type: str) -> None:
    assert judge(upload([entry()], content_type=media_type)) == (415, "unsupported_media_type")


# Limits


@every_format
def test_ten_thousand_entries_are_taken(upload_many: UploadMany, form: Format) -> None:
    response = upload_many([entry()] * 10_000, form, headers={"Prefer": "return=minimal"})

    assert response.status_code == 207
    assert response.json()["created"] == Timesheet.objects.count() == 10_000


@every_format
@pytest.mark.parametrize("mark", [",", "[", "{", '",', "\\,", '\\",'])
def test_marks_within_texts_are_not_counted_as_values(
    upload_many: UploadMany, form: Format, mark: str
) -> None:
    # Most marks stand in texts: up to 1.9 million, and 50,000 outside of them.
    text = (mark * 128)[:128]
    entries = [entry(user_id=text[:64], project=text)] * 10_000

    response = upload_many(entries, form, headers={"Prefer": "return=minimal"})

    assert response.status_code == 207
    assert response.json()["created"] == Timesheet.objects.count() == 10_000


@every_format
@pytest.mark.parametrize("query", ["", "?atomic=true", "?dry_run=true"])
def test_more_than_ten_thousand_entries_are_too_large(
    upload_many: UploadMany, form: Format, query: str
) -> None:
    response = upload_many([entry()] * 10_001, form, query)

    assert judge(response) == (413, "too_large")
    assert response.json()["limits"] == LIMITS
    assert not Timesheet.objects.exists()


def test_entries_that_cannot_be_read_count_towards_the_limit(upload: Upload) -> None:
    assert judge(upload_lines(upload, b"{\n" * 10_001)) == (413, "too_large")


def test_eight_mebibytes_are_taken(upload: Upload) -> None:
    body = ARRAY.write([entry()]).ljust(EIGHT_MEBIBYTES)

    assert read_statuses(upload(body)) == [201]


@every_format
def test_more_than_eight_mebibytes_are_too_large(upload: Upload, form: Format) -> None:
    body = form.write([entry()]).ljust(EIGHT_MEBIBYTES + 1, b"\n")

    response = upload(body, content_type=form.media_type)

    assert judge(response) == (413, "too_large")
    assert response.json()["limits"] == LIMITS
    assert not Timesheet.objects.exists()


def test_sixteen_mebibytes_unzipped_are_taken(upload: Upload) -> None:
    body = gzip.compress(ARRAY.write([entry()]).ljust(SIXTEEN_MEBIBYTES), 1)

    assert read_statuses(upload(body, headers={"Content-Encoding": "gzip"})) == [201]


@every_format
@pytest.mark.parametrize("cut_at", [pytest.param(None, id="one-member"), pytest.param(100, id="two-members")])
def test_more_than_sixteen_mebibytes_unzipped_are_too_large(
    upload: Upload, form: Format, cut_at: int | None
) -> None:
    body = form.write([entry()]).ljust(SIXTEEN_MEBIBYTES + 1, b"\n")
    parts = [body] if cut_at is None else [body[:cut_at], body[cut_at:]]
    zipped = b"".join(gzip.compress(part, 1) for part in parts)

    response = upload(zipped, content_type=form.media_type, headers={"Content-Encoding": "gzip"})

    assert judge(response) == (413, "too_large")
    assert response.json()["limits"] == LIMITS
    assert not Timesheet.objects.exists()
