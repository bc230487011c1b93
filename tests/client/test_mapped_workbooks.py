import datetime
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tests.client.reading import describe, read_mapped
from tests.client.test_map_files import write
from tests.client.test_workbooks import save
from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.entries import InputEntry, RejectedEntry, Row

HEADER = ("E-mail", "Day", "From", "Project", "Duration", "Note")
DAY = datetime.date(2026, 6, 3)
CLOCK = datetime.time(8, 30)


@pytest.fixture
def our_map(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        top='time_zone = "Europe/Berlin"',
        user_id='column = "E-mail"',
        date='template = "{Day} {From}"\nformat = "%Y-%m-%d %H:%M:%S"',
        hours='column = "Duration"\nunit = "h:mm:ss"',
        entry_id='template = "{Project}-{E-mail}"',
        last='[[skip]]\ncolumn = "Note"\nequals = "true"',
    )


def read(our_map: Path, *rows: Sequence[object], **sheets: list[Sequence[object]]) -> list[Row]:
    formats = {"E2": "[h]:mm"} if rows else {}
    return read_mapped(save(*rows, header=HEADER, formats=formats, **sheets), our_map, "w.xlsx")


def test_dates_times_and_durations_are_cells_of_their_own(our_map: Path) -> None:
    [entry] = read(our_map, ["ada", DAY, CLOCK, "X", datetime.timedelta(hours=24, minutes=19, seconds=36)])

    assert isinstance(entry, InputEntry)
    assert entry.members == {
        "user_id": "ada",
        "date": "2026-06-03T08:30:00+02:00",
        "project": "X",
        "hours": Decimal("24.33"),
        "entry_id": "X-ada",
    }


def test_a_map_for_csv_also_fits_the_table_saved_as_a_workbook(tmp_path: Path) -> None:
    for_csv = write(
        tmp_path,
        top='time_zone = "Europe/Berlin"',
        user_id='column = "E-mail"',
        date='template = "{Day} {From}"\nformat = "%d/%m/%Y %I:%M %p"',
        hours='column = "Duration"\nunit = "hours"\ndecimal = ","',
    )
    rows = (["ada", DAY, CLOCK, "X", 7.5], ["ada", "03/06/2026", "08:30 AM", "X", "7,5"])

    typed, texts = read_mapped(save(*rows, header=HEADER), for_csv, "w.xlsx")

    assert isinstance(typed, InputEntry)
    assert isinstance(texts, InputEntry)
    assert typed.members == texts.members
    assert typed.members["date"] == "2026-06-03T08:30:00+02:00"


def test_numbers_are_hours_and_no_projects(tmp_path: Path) -> None:
    numbers = write(
        tmp_path,
        user_id='column = "E-mail"',
        date='column = "Day"\nformat = "%Y-%m-%d"',
        hours='column = "Duration"\nunit = "hours"',
    )

    # The map does not read the third column.
    rows = (["ada", DAY, 7, "X", 1.25], ["ada", DAY, None, 7, 1.25])
    entry, rejected = read_mapped(save(*rows, header=HEADER), numbers, "w.xlsx")

    assert isinstance(entry, InputEntry)
    assert entry.members["hours"] == Decimal("1.25")
    assert isinstance(rejected, RejectedEntry)
    assert set(rejected.errors) == {"project"}


def test_a_cell_of_the_wrong_kind_is_rejected(our_map: Path) -> None:
    [rejected] = read(our_map, [7, "03.06.2026", CLOCK, "X", True])

    assert isinstance(rejected, RejectedEntry)
    assert set(rejected.errors) == {"user_id", "date", "hours", "entry_id"}
    assert "which may have lost leading zeros" in str(rejected.errors["user_id"])
    assert "does not have the format" in str(rejected.errors["date"])
    assert "the cell holds a boolean" in str(rejected.errors["hours"])
    assert rejected.members == {"user_id": None, "date": None, "project": "X", "hours": None, "entry_id": ""}


def test_a_skipped_row_may_hold_anything(our_map: Path) -> None:
    [skipped] = read(our_map, [7, None, None, None, None, True])

    assert describe([skipped]) == ["w.xlsx!Week23:2: skipped: Note is 'true'"]


def test_a_row_that_is_wider_than_the_header_is_rejected(our_map: Path) -> None:
    [rejected] = read(our_map, ["ada", DAY, CLOCK, "X", None, None, "more"])

    assert isinstance(rejected, RejectedEntry)
    assert "this row has 7 cells, and the header has 6" in rejected.describe()
    assert rejected.text == "ada\t2026-06-03\t08:30:00\tX\t\t\tmore"


def test_sheets_without_a_column_of_the_map_are_not_read(our_map: Path) -> None:
    row = ["ada", DAY, CLOCK, "X", datetime.timedelta(hours=1)]

    assert describe(read(our_map, row, Summary=[["Total"], ["1"]])) == ["w.xlsx!Week23:2"]


def test_a_sheet_with_only_some_columns_of_the_map_is_unreadable(our_map: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"^w\.xlsx!Summary:1: .* lacks or repeats 'E-mail'"):
        read(our_map, Summary=[["Project", "Duration"], ["X", "1"]])
