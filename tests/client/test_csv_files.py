from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.client.reading import describe, find_warnings, read
from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.entries import InputEntry, RejectedEntry

HEADER = "user_id,date,project,hours\n"
MEMBERS = {"user_id": "007", "date": "2026-06-03", "project": "StoreZero", "hours": Decimal("7.5")}


def test_a_row_becomes_an_entry_with_its_line_number() -> None:
    assert read(f"{HEADER}007,2026-06-03,StoreZero,7.5\n") == [
        InputEntry(source="week23.csv:2", members=MEMBERS)
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("user_id;date;project;hours\r\n007;2026-06-03;StoreZero;7,5\r\n", id="semicolons"),
        pytest.param("\ufeff" + HEADER + "007,2026-06-03,StoreZero,7.5", id="BOM, no newline at the end"),
        pytest.param(" user_id , date,project,hours\n007 , 2026-06-03,StoreZero, 7.5\n", id="white space"),
        pytest.param("user_id;date;project;hours;\n007;2026-06-03;StoreZero;7,5;\n", id="an empty column"),
        pytest.param(HEADER + "\n,,,\n007,2026-06-03,StoreZero,7.5\n\n", id="blank rows"),
        pytest.param('"user_id","date","project","hours"\n"007","2026-06-03","StoreZero","7.5"', id="quotes"),
        pytest.param('\ufeff"SEP=|"\nuser_id|date|project|hours\n007|2026-06-03|StoreZero|7.5\n', id="bar"),
        pytest.param("user_id,date,project,hours\r007,2026-06-03,StoreZero,7.5\r", id="carriage returns"),
    ],
)
def test_csv_is_read_as_spreadsheets_save_it(content: str) -> None:
    [entry] = read(content)

    assert isinstance(entry, InputEntry)
    assert entry.members == MEMBERS


def test_newlines_in_a_quoted_cell_count_as_lines() -> None:
    read_rows = read(f'{HEADER}007,2026-06-03,"Store\nZero",1\n007,2026-06-04,X,2\n')

    assert describe(read_rows) == ["week23.csv:2", "week23.csv:4"]


def test_an_id_in_the_file_is_kept_and_an_empty_one_is_dropped() -> None:
    header = "user_id,date,project,hours,entry_id\n"
    first, second = read(f"{header}007,2026-06-03,X,1,week-23:1\n007,2026-06-03,X,1,\n")

    assert first.members["entry_id"] == "week-23:1"
    assert "entry_id" not in second.members


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param("2,typing error", {"revision": Decimal(2), "reason": "typing error"}, id="both"),
        pytest.param(" 002 , late ", {"revision": Decimal(2), "reason": "late"}, id="zeros and spaces"),
        pytest.param(", ", {}, id="empty"),
        pytest.param("2.0,1", {"revision": "2.0", "reason": "1"}, id="a fraction, for the API to refuse"),
        pytest.param("\uff12,", {"revision": "\uff12"}, id="other digits"),
        pytest.param("9" * 101 + ",", {"revision": "9" * 101}, id="101 digits"),
    ],
)
def test_a_revision_of_digits_is_an_integer_and_empty_cells_are_dropped(
    cells: str, expected: dict[str, object]
) -> None:
    [entry] = read(f"user_id,date,project,hours,revision,reason\n007,2026-06-03,StoreZero,7.5,{cells}\n")

    assert isinstance(entry, InputEntry)
    assert entry.members == {**MEMBERS, **expected}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param("007,2026-06-03,X,1,", "this row has 5 cells, and the header has 4", id="empty surplus"),
        pytest.param('007,2026-06-03,X,"7,5"', "hours: '7,5' is not a decimal", id="comma within commas"),
        pytest.param("007,2026-06-03,X,7:30", "hours: '7:30' is not a decimal", id="minutes"),
        pytest.param("007,2026-06-03,X", "this row has 3 cells, and the header has 4", id="a cell too few"),
        pytest.param(
            '007,2026-06-03,"X"Y,1', "this row is not CSV: text follows a closing quote", id="quote"
        ),
        pytest.param('007,2026-06-03,"X,1', "this row is not CSV: a quote is never closed", id="open quote"),
    ],
)
def test_an_unreadable_row_is_rejected_with_its_line_number(row: str, problem: str) -> None:
    rows = read(f"{HEADER}007,2026-06-02,X,1\n{row}\n")

    assert describe(rows)[1].startswith(f"week23.csv:3: {problem}")


def test_a_rejected_row_has_all_its_errors_and_members() -> None:
    [rejected] = read(f"{HEADER}007,03/04/2026,X,7:30\n")

    assert isinstance(rejected, RejectedEntry)
    assert set(rejected.errors) == {"date", "hours"}
    assert rejected.members == {"user_id": "007", "date": "03/04/2026", "project": "X", "hours": "7:30"}


def test_a_row_in_another_encoding_is_rejected_and_the_rest_is_read() -> None:
    latin = f"{HEADER}007,2026-06-03,M\xfcller,1\n".encode("latin-1") + b"007,2026-06-04,X,1\n"

    rejected, entry = read(latin)

    assert isinstance(rejected, RejectedEntry)
    assert 'byte 0xfc is not UTF-8; save the file as "CSV UTF-8"' in rejected.describe()
    assert rejected.text == "007,2026-06-03,M\\xfcller,1"
    assert isinstance(entry, InputEntry)


def test_the_time_zone_option_supplies_a_missing_offset() -> None:
    [entry] = read(f"{HEADER}007,2026-06-03 08:00,X,1\n", zone=ZoneInfo("Europe/Berlin"))

    assert entry.members["date"] == "2026-06-03T08:00:00+02:00"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            "user,date,project,hours\n",
            "missing: 'user_id'; unknown: 'user'",
            id="missing",
        ),
        pytest.param(HEADER[:-1] + ",comment\n", "unknown: 'comment'", id="unknown"),
        pytest.param("user_id,date,date,project,hours\n", "repeated: 'date'", id="repeated"),
        pytest.param("\n \n", "there are only blank lines", id="blank"),
        pytest.param('"user_id,date\n', "is not CSV", id="open quote"),
    ],
)
def test_a_file_without_the_columns_of_an_entry_is_unreadable(content: str, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=problem):
        read(content)


def test_a_header_alone_has_no_entries() -> None:
    assert read(HEADER) == []


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("x" * 5_000_000 + "\n", id="endless line"),
        pytest.param('"' + "a\n" * 1_000_000 + '"\n', id="many lines"),
        pytest.param("x" * 1_048_570 + ',"a\nb"\n', id="quote beyond the limit"),
    ],
)
def test_a_row_over_1_mib_is_rejected_and_the_rest_is_read(row: str) -> None:
    rejected, entry = read(HEADER + row + "007,2026-06-03,X,1\n")

    assert describe([rejected]) == ["week23.csv:2: this row is over 1 MiB"]
    assert entry.source == f"week23.csv:{2 + row.count(chr(10))}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + "007,2026-06-03,X,1", id="row"),
        pytest.param(HEADER.rstrip(), id="header"),
        pytest.param(HEADER + '007,2026-06-03,"X', id="open quote"),
    ],
)
def test_a_last_line_without_a_line_ending_causes_a_warning(content: str) -> None:
    assert find_warnings(content) == [
        "week23.csv: warning: the last line has no line ending; was the file cut?"
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\n\n"])
def test_a_last_line_with_any_line_ending_causes_no_warning(ending: str) -> None:
    assert find_warnings(f"{HEADER}007,2026-06-03,X,1{ending}") == []
