import datetime
import io
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from tests.uploader.reading import describe, read
from timesheets.uploader.errors import InputUnreadable
from timesheets.uploader.reading.entries import COLUMNS, Entry

# Workbooks know no zone.
MORNING = datetime.datetime(2026, 6, 3, 8, 30)  # noqa: DTZ001


def save(*rows: Sequence[object], **sheets: list[Sequence[object]]) -> bytes:
    """A workbook with these rows below our header, and with other sheets."""
    workbook = openpyxl.Workbook()
    workbook.active.title = "Week23"
    for row in (COLUMNS, *rows):
        workbook.active.append(list(row))
    for title, others in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in others:
            sheet.append(list(row))
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def test_a_row_is_an_entry_and_knows_its_sheet_and_row() -> None:
    [entry] = read(save(["007", datetime.date(2026, 6, 3), "StoreZero", 7.5]), "w.xlsx")

    assert entry == Entry(
        source="w.xlsx!Week23:2",
        members={"user_id": "007", "date": "2026-06-03", "project": "StoreZero", "hours": Decimal("7.5")},
    )


def test_a_time_of_day_takes_the_zone() -> None:
    content = save(["007", MORNING, "X", 1])

    [entry] = read(content, "w.xlsx", zone=ZoneInfo("Europe/Berlin"))
    [rejected] = read(content, "w.xlsx")

    assert entry.members["date"] == "2026-06-03T08:30:00+02:00"
    assert "--time-zone" in describe([rejected])[0]


def test_midnight_with_a_time_format_is_a_time() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(save(["007", MORNING.replace(hour=0, minute=0), "X", 1])))
    workbook.active["B2"].number_format = "yyyy-mm-dd hh:mm"
    stream = io.BytesIO()
    workbook.save(stream)

    [entry] = read(stream.getvalue(), "w.xlsx", zone=ZoneInfo("UTC"))

    assert entry.members["date"] == "2026-06-03T00:00:00+00:00"


def test_the_noise_of_a_computation_is_taken_off() -> None:
    [entry] = read(save(["007", "2026-06-03", "X", 8.3 - 0.2]), "w.xlsx")

    assert entry.members["hours"] == Decimal("8.1")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param([7, "2026-06-03", "X", 1], "user_id: the cell holds the number 7, which", id="user"),
        pytest.param(["007", "03/04/2026", "X", 1], "date: '03/04/2026' is not a date", id="date"),
        pytest.param(["007", "2026-06-03", "X", datetime.time(7, 30)], "hours: '07:30:00' is not", id="time"),
        pytest.param(["007", "2026-06-03", "X", None], "hours: '' is not a decimal", id="no hours"),
        pytest.param(
            ["007", "2026-06-03", "X", 1, "note"],
            "a cell of this row stands below no name",
            id="a cell too many",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_by_row(row: list[object], problem: str) -> None:
    rows = read(save(["007", "2026-06-02", "X", 1], row), "w.xlsx")

    assert describe(rows)[1].startswith(f"w.xlsx!Week23:3: {problem}")


def test_every_sheet_that_names_our_columns_is_read_and_notes_are_not() -> None:
    content = save(
        ["007", "2026-06-03", "X", 1],
        Notes=[["Who asked for this?"], ["Payroll"]],
        Week24=[COLUMNS, [], ["007", "2026-06-10", "X", 2]],
    )

    assert describe(read(content, "w.xlsx")) == ["w.xlsx!Week23:2", "w.xlsx!Week24:3"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            save(Week24=[["user_id", "date"]]), "w.xlsx!Week24:1: .* missing: project", id="columns"
        ),
        pytest.param(save()[:-100], "is not a whole Excel workbook", id="cut"),
        pytest.param(b"PK\x03\x04", "is not a whole Excel workbook", id="another archive"),
        pytest.param(b"user_id,date", "is not a whole Excel workbook", id="text"),
    ],
)
def test_what_is_no_workbook_of_ours_is_unreadable(content: bytes, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=problem):
        read(content, "w.xlsx")


def test_a_workbook_without_a_sheet_of_ours_is_unreadable() -> None:
    workbook = openpyxl.Workbook()
    stream = io.BytesIO()
    workbook.save(stream)

    with pytest.raises(InputUnreadable, match="no sheet has a first row that names the columns"):
        read(stream.getvalue(), "w.xlsx")
