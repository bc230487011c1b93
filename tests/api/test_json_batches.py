"""Many entries as a JSON array or as NDJSON."""

import json
from typing import Any

import pytest

from tests.api.conftest import Upload, make_entry, read_reasons, read_statuses, status_and_code, upload_lines
from tests.api.formats import BOM, write_ndjson
from timesheets.models import Timesheet

TOO_MUCH = {"hours": ["Ensure this value is less than or equal to 24."]}


# Errors of one entry, and errors of the whole array


START = b'{"user_id":"007","date":"2017-05-10","project":"StoreZero","hours":'


@pytest.mark.parametrize(
    ("end", "errors"),
    [
        (b'5,"hours":5}', {"hours": ["This member is repeated."]}),
        (b"1e400}", TOO_MUCH),
        (b'5,"colour":"red"}', {"colour": ["There is no such member."]}),
    ],
    ids=["repeated-member", "1e400", "unknown-member"],
)
@pytest.mark.parametrize(
    ("media_type", "body"),
    [("application/json", b"[%b,%b,%b]"), ("application/x-ndjson", b"%b\n%b\n%b")],
    ids=["array", "ndjson"],
)
def test_an_error_inside_an_entry_affects_only_that_entry(
    upload: Upload, end: bytes, errors: dict[str, Any], media_type: str, body: bytes
) -> None:
    good = json.dumps(make_entry()).encode()

    response = upload(body % (good, START + end, good), content_type=media_type)

    assert read_statuses(response) == [201, 422, 201]
    assert response.json()["entries"][1]["errors"] == errors


@pytest.mark.parametrize("element", ["null", "true", "5", "1e99999999999999999999", '"007"', "[]", "[{}]"])
def test_an_element_that_is_not_an_object_affects_only_itself(upload: Upload, element: str) -> None:
    good = json.dumps(make_entry())

    response = upload(f"[{good},{element},{good}]".encode())

    assert read_statuses(response) == [201, 422, 201]
    assert list(read_reasons(response)) == [1]


@pytest.mark.parametrize("tail", [b"", b',"\xff"]', b"," + b"[" * 33 + b"]" * 33 + b"]"])
def test_a_malformed_array_stores_nothing(upload: Upload, tail: bytes) -> None:
    response = upload(b"[" + json.dumps(make_entry()).encode() + tail)

    assert status_and_code(response) == (400, "malformed_body")
    assert not Timesheet.objects.exists()


# NDJSON


@pytest.mark.parametrize("line", [b"{", b'{"user_id": "\xff"}', b"\xef\xbb\xbf{}"])
def test_a_malformed_line_affects_only_its_own_entry(upload: Upload, line: bytes) -> None:
    good = json.dumps(make_entry()).encode()

    response = upload_lines(upload, b"\n".join([good, line, good]))

    assert read_statuses(response) == [201, 422, 201]
    assert read_reasons(response)[1].startswith("This line is not JSON: ")


def test_blank_lines_are_neither_entries_nor_counted(upload: Upload) -> None:
    good = json.dumps(make_entry()).encode()

    response = upload_lines(upload, b"\n\n" + good + b"\r\n \t \n\r\n{}\n\n" + good + b"\r\n")

    assert read_statuses(response) == [201, 422, 201]
    assert [item["index"] for item in response.json()["entries"]] == [0, 1, 2]


def test_a_bom_before_ndjson_is_skipped(upload: Upload) -> None:
    assert read_statuses(upload_lines(upload, BOM + write_ndjson([make_entry()]))) == [201]


def test_an_object_on_several_lines_is_not_ndjson(upload: Upload) -> None:
    assert read_statuses(upload_lines(upload, b'{"user_id": "007",\n"hours": 5}')) == [422, 422]


def test_blank_lines_of_ndjson_count_as_lines(upload: Upload) -> None:
    response = upload(b"\xef\xbb\xbf\n{\n \r\n\n[]\n", content_type="application/x-ndjson")

    assert [(item["index"], item["line"]) for item in response.json()["entries"]] == [(0, 2), (1, 5)]
