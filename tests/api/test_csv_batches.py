"""Many entries as CSV and as workbooks. How they are read is tested with the client."""

import datetime
import io
from typing import Any

import openpyxl
import pytest

from tests.api.conftest import Upload, read_statuses, status_and_code, upload_rows
from tests.api.formats import BOM, HEADER, ROW
from tests.api.reading import Read
from timesheets.models import Timesheet
from timesheets.uploads.body import WORKBOOK
from timesheets_files.dates import EXPECTED, DateFormat

DAY_FIRST = HEADER + b"007,30.11.2026,X,1\n"


def save(*rows: list[object], **sheets: list[list[object]]) -> bytes:
    """A workbook with a sheet of these rows, and others."""
    return save_sheets(Week=[["user_id", "date", "project", "hours"], *rows], **sheets)


def save_sheets(**sheets: list[list[object]]) -> bytes:
    workbook = openpyxl.Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet: Any = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "There are only blank lines", id="empty"),
        pytest.param(BOM + b"\n\r\n\n", "There are only blank lines", id="blank"),
        pytest.param(b"user_id,date,hours\n" + ROW, "missing: 'project'; it names: 'user_id',", id="missing"),
        pytest.param(HEADER[:-1] + b",colour\n" + ROW, "unknown: 'colour'; it names:", id="unknown"),
        pytest.param(b"user_id,date,project,hours,Hours\n" + ROW, "repeated: 'hours'", id="repeated"),
        pytest.param(b'"user_id,date,project,hours\n' + ROW, "a quote is never closed", id="open quote"),
    ],
)
def test_a_malformed_header_stores_nothing(upload: Upload, body: bytes, words: str) -> None:
    response = upload_rows(upload, body, CONTENT_TYPE="text/csv", CONTENT_LENGTH=str(len(body)))

    assert status_and_code(response) == (400, "malformed_header")
    assert words in response.json()["detail"]
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param((HEADER + ROW).decode().encode("utf-16"), 'UTF-16; save it as "CSV UTF-8"', id="utf-16"),
        pytest.param(b"PK\x03\x04", "The body is an Excel workbook or a zip archive", id="workbook"),
    ],
)
def test_a_body_that_is_no_text_is_malformed(upload: Upload, body: bytes, words: str) -> None:
    response = upload_rows(upload, body)

    assert status_and_code(response) == (400, "malformed_body")
    assert words in response.json()["detail"]


def test_a_spreadsheets_csv_is_read(upload: Upload) -> None:
    rows = "Hours;entry_id;project; USER_ID;date;\r\r7,5;;Größe ;007;2017-05-10 08:00Z;\r\n".encode()

    assert read_statuses(upload_rows(upload, BOM + rows)) == [201]
    stored = Timesheet.objects.get()
    assert (stored.user_id, stored.project, stored.entry_id, float(stored.hours)) == (
        "007",
        "Größe",
        None,
        7.5,
    )


def test_a_rejected_row_has_the_line_on_which_it_begins(upload: Upload) -> None:
    two_lines = b'007,2017-05-10,"Store\nZero",5\n'
    malformed = b'007,2017-05-10,"a\nb"c,5\r\n'
    body = b"\n" + HEADER + b"\r\n" + ROW + two_lines + two_lines + malformed + b"a,b\n" + ROW + b'"\n\n'

    response = upload_rows(upload, BOM + body)

    assert read_statuses(response) == [201, 422, 422, 422, 422, 201, 422]
    assert [item.get("line") for item in response.json()["entries"]] == [None, 5, 7, 9, 11, None, 13]
    [*_, short, _, _] = response.json()["entries"]
    assert short["errors"] == {"non_field_errors": ["This row has 2 cells, and the header has 4."]}


def test_a_row_is_judged_in_all_members(upload: Upload) -> None:
    [item] = upload_rows(upload, HEADER + b",3.4.2026,X,25\n").json()["entries"]

    assert item["errors"] == {
        "user_id": ["This field may not be blank."],
        "date": [f"This is not {EXPECTED[DateFormat.ISO]}."],
        "hours": ["Ensure this value is less than or equal to 24."],
    }


def test_a_dry_run_shows_the_members_as_they_were_sent(upload: Upload) -> None:
    body = HEADER + b"007,1/2/2026,X,25\n007,,X,1\na,b\n"

    response = upload_rows(upload, body, path="/timesheets/upload?dry_run=true&date_format=dmy")

    assert [item["entry"] for item in response.json()["entries"]] == [
        {"user_id": "007", "date": "1/2/2026", "project": "X", "hours": "25"},
        {"user_id": "007", "date": "", "project": "X", "hours": "1"},
        {"text": "a,b"},
    ]


def test_dates_are_read_as_the_sender_says(upload: Upload) -> None:
    rows = HEADER + b"007,3/4/2026 08:00,X,1\n007,25.10.2026 02:30:00,X,1\n"

    response = upload_rows(upload, rows, path="/timesheets/upload?date_format=dmy&time_zone=Europe%2FBerlin")

    assert read_statuses(response) == [201, 422]
    assert "twice or never" in response.json()["entries"][1]["errors"]["date"][0]
    assert Timesheet.objects.get().date == datetime.datetime(2026, 4, 3, 6, tzinfo=datetime.UTC)


def test_a_doubt_about_the_order_of_dates_stores_nothing(upload: Upload) -> None:
    response = upload_rows(
        upload, HEADER + b"7,3/4/2026,X,1\n7,4/30/2026,X,1\n", path="/timesheets/upload?date_format=dmy"
    )

    assert status_and_code(response) == (422, "date_order")
    assert response.json()["detail"] == (
        "Line 3: '4/30/2026' does not fit day-month-year (dmy), and fits month-day-year (mdy). "
        "Nothing was stored. State the order with date_format=iso, dmy or mdy."
    )
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("query", ["date_format=ymd", "date_format=dmy&date_format=dmy", "time_zone=Nowhere"])
def test_a_wrong_format_or_zone_is_refused(upload: Upload, query: str) -> None:
    response = upload_rows(upload, DAY_FIRST, path=f"/timesheets/upload?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")


@pytest.mark.parametrize("query", ["date_format=iso", "time_zone=UTC"])
def test_json_has_neither_format_nor_zone(upload: Upload, query: str) -> None:
    assert status_and_code(upload(path=f"/timesheets/upload?{query}")) == (400, "invalid_parameter")


# Workbooks


def upload_workbook(upload: Upload, body: bytes, query: str = "") -> Any:
    return upload(body, content_type=WORKBOOK, path=f"/timesheets/upload?{query}")


def test_a_workbook_is_read(upload: Upload) -> None:
    day = datetime.date(2026, 6, 3)

    response = upload_workbook(
        upload, save(["007", day, "X", 7.5], [7, "3.6.2026", "X", ".5"]), "date_format=dmy"
    )

    assert read_statuses(response) == [201, 422]
    item = response.json()["entries"][1]
    assert (item["line"], sorted(item["errors"]), "sheet" in item) == (3, ["hours", "user_id"], False)
    assert Timesheet.objects.get().date.date() == day


def test_rows_with_the_same_problem_have_the_same_error(upload: Upload) -> None:
    dates = upload_rows(upload, HEADER + b"007,1.6.2026,X,1\n007,2.6.2026,X,1\n")
    times = upload_rows(upload, HEADER + b"007,2026-06-01T08:00,X,1\n007,2026-06-02T09:00,X,1\n")
    numbers = upload_workbook(upload, save([7, "2026-06-01", "X", 1], [8, "2026-06-01", "X", 1]))

    for response in (dates, times, numbers):
        first, second = response.json()["entries"]
        assert first["errors"] == second["errors"]


def test_an_entry_of_several_sheets_has_the_title_of_its_own(upload: Upload, read: Read) -> None:
    second: list[list[object]] = [
        ["hours", "user_id", "project", "date"],
        [1, "007", "X", "2026-06-03"],
        [25, "007", "X", "2026-06-03"],
    ]

    response = upload_workbook(upload, save(["", "2026-06-03", "X", 1], Other=second, Notes=[["hello"]]))

    places = [(item.get("sheet"), item.get("line"), item["status"]) for item in response.json()["entries"]]
    assert places == [("Week", 2, 422), (None, None, 201), ("Other", 3, 422)]
    kept = read(f"{response.headers['Location']}/rejections").json()["results"]
    assert [(item["sheet"], item["line"]) for item in kept] == [("Week", 2), ("Other", 3)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"user_id,date", (400, "malformed_body"), id="text"),
        pytest.param(save() + b"\n", (400, "malformed_body"), id="bytes after it"),
        pytest.param(save_sheets(Week=[["name"]]), (400, "malformed_header"), id="no table"),
    ],
)
def test_a_file_that_is_no_workbook_of_entries_is_refused(
    upload: Upload, body: bytes, expected: tuple[int, str]
) -> None:
    assert status_and_code(upload_workbook(upload, body)) == expected


@pytest.mark.slow
def test_a_workbook_that_unpacks_to_too_much_is_too_large(upload: Upload) -> None:
    rows = [[f"{number}" * 100, "2026-06-03", "X", 1] for number in range(30_000)]

    assert status_and_code(upload_workbook(upload, save(*rows))) == (413, "too_large")
