"""Many entries as CSV."""

import pytest

from tests.api.conftest import Upload, read_reasons, read_statuses, status_and_code, upload_rows
from tests.api.formats import BOM, HEADER, ROW
from timesheets.models import Timesheet

NO_COLUMNS = "must name the columns"
MISSING = "missing from the first row"
UNKNOWN = "Unknown columns in the first row: 1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", NO_COLUMNS),
        (BOM, NO_COLUMNS),
        (b"\n\r\n\n", NO_COLUMNS),
        (ROW + ROW, f"{MISSING}: user_id, date, project, hours"),
        (b"user_id,date,hours\n" + ROW, f"{MISSING}: project"),
        (b"user_id,date,project,hours,colour\n" + ROW, UNKNOWN),
        (b"user_id,date,project,hours,\n" + ROW, UNKNOWN),
        (b"user_id,date,project,hours,hours\n" + ROW, "more than once"),
        (b"user_id,date,project,hours,entry_id,entry_id\n", "more than once"),
        (b"user_id, date,project,hours\n" + ROW, f"{MISSING}: date"),
        (b"User_ID,date,project,hours\n" + ROW, f"{MISSING}: user_id"),
        (b"user_id;date;project;hours\n" + ROW, MISSING),
        (b'"user_id,date,project,hours\n' + ROW, NO_COLUMNS),
        (b'"user_id"s,date,project,hours\n' + ROW, NO_COLUMNS),
        (b"user_id\xff,date,project,hours\n", f"{MISSING}: user_id"),
        (BOM + BOM + HEADER + ROW, f"{MISSING}: user_id"),
        ((HEADER + ROW).decode().encode("utf-16"), MISSING),
    ],
)
def test_a_malformed_header_stores_nothing(upload: Upload, body: bytes, words: str) -> None:
    response = upload_rows(upload, body, CONTENT_TYPE="text/csv", CONTENT_LENGTH=str(len(body)))

    assert status_and_code(response) == (400, "malformed_header")
    assert words in response.json()["detail"]
    assert not Timesheet.objects.exists()


def test_columns_may_come_in_any_order(upload: Upload) -> None:
    upload_rows(upload, b"hours,entry_id,project,user_id,date\n5,a,StoreZero,007,2017-05-10\n")

    stored = Timesheet.objects.get()
    assert (stored.entry_id, stored.user_id, stored.project) == ("a", "007", "StoreZero")
    assert stored.hours == 5


def test_an_empty_entry_id_cell_means_none(upload: Upload) -> None:
    rows = (
        b'user_id,date,project,hours,entry_id\n007,2017-05-10,StoreZero,5,\n007,2017-05-10,StoreZero,5,""\n'
    )

    assert read_statuses(upload_rows(upload, rows)) == [201, 201]
    assert set(Timesheet.objects.values_list("entry_id", flat=True)) == {None}


def test_an_entry_id_cell_with_a_space_is_not_empty(upload: Upload) -> None:
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
def test_cells_follow_rfc_4180(upload: Upload, row: bytes, project: str) -> None:
    assert read_statuses(upload_rows(upload, HEADER + row)) == [201]
    assert Timesheet.objects.get().project == project


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param(b"007,2017-05-10,StoreZero\n", "3 columns, and the header has 4", id="too-few"),
        pytest.param(b"007,2017-05-10,StoreZero,5,\n", "5 columns, and the header has 4", id="too-many"),
        pytest.param(b" \n", "1 columns, and the header has 4", id="blank-that-is-a-cell"),
        pytest.param(b'007,2017-05-10,"StoreZero"s,5\n', "text follows a closing quote", id="text-after"),
        pytest.param(b'007,2017-05-10,"StoreZero" ,5\n', "text follows a closing quote", id="blank-after"),
        pytest.param(
            b"007,2017-05-10,Store\rZero,5\n", "a carriage return without a line feed", id="bare-cr"
        ),
        pytest.param(b"007,2017-05-10,Store\xff,5\n", "not UTF-8", id="not-utf-8"),
        pytest.param(b"007,2017-05-10,Store\xed\xa0\x80,5\n", "not UTF-8", id="encoded-surrogate"),
    ],
)
def test_a_malformed_row_affects_only_its_own_entry(upload: Upload, row: bytes, words: str) -> None:
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
def test_a_quote_in_an_unquoted_cell_is_malformed(upload: Upload, row: bytes) -> None:
    assert read_statuses(upload_rows(upload, HEADER + ROW + row + ROW)) == [201, 422, 201]


def test_a_newline_in_a_quoted_cell_is_a_control_character(upload: Upload) -> None:
    response = upload_rows(upload, HEADER + ROW + b'007,2017-05-10,"Store\nZero",5\n' + ROW)

    assert read_statuses(response) == [201, 422, 201]
    assert response.json()["entries"][1]["errors"] == {"project": ["Control characters are not allowed."]}


def test_an_unclosed_quote_takes_the_rest_of_the_file(upload: Upload) -> None:
    response = upload_rows(upload, HEADER + ROW + b'007,2017-05-10,"StoreZero,5\n' + ROW + ROW)

    assert read_statuses(response) == [201, 422]
    assert "a quote is never closed" in read_reasons(response)[1]


def test_a_long_cell_affects_only_its_own_row(upload: Upload) -> None:
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


def test_a_rejected_row_has_the_line_on_which_it_begins(upload: Upload) -> None:
    two_lines = b'007,2017-05-10,"Store\nZero",5\n'
    malformed = b'007,2017-05-10,"a\nb"c,5\r\n'
    body = b"\n" + HEADER + b"\r\n" + ROW + two_lines + two_lines + malformed + b"a,b\n" + ROW + b'"\n\n'

    response = upload_rows(upload, BOM + body)

    assert read_statuses(response) == [201, 422, 422, 422, 422, 201, 422]
    assert [item.get("line") for item in response.json()["entries"]] == [None, 5, 7, 9, 11, None, 13]


def test_a_bom_before_csv_is_skipped(upload: Upload) -> None:
    assert read_statuses(upload_rows(upload, BOM + HEADER + ROW)) == [201]
