import datetime
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from tests.client.reading import describe, find_warnings, iterate, read
from tests.client.runs import Run
from timesheets_client.errors import ExitStatus, InputUnreadable
from timesheets_client.reading.entries import InputEntry, RejectedEntry
from timesheets_files.members import COLUMNS, OPTIONAL_COLUMNS

# Workbooks have no time zones.
MORNING = datetime.datetime(2026, 6, 3, 8, 30)  # noqa: DTZ001
DAY = datetime.date(2026, 6, 3)
NOON = datetime.time(12)


def save(
    *rows: Sequence[object],
    header: Sequence[str] = COLUMNS,
    formats: Mapping[str, str] = MappingProxyType({}),
    **sheets: list[Sequence[object]],
) -> bytes:
    """A workbook with a header, these rows, and other sheets."""
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.title = "Week23"
    for row in (header, *rows):
        sheet.append(list(row))
    for place, code in formats.items():
        sheet[place].number_format = code
    for title, others in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in others:
            sheet.append(list(row))
    return save_workbook(workbook)


def save_workbook(workbook: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def test_a_row_becomes_an_entry_with_its_sheet_and_row() -> None:
    [entry] = read(save(["007", datetime.date(2026, 6, 3), "StoreZero", 7.5]), "w.xlsx")

    assert entry == InputEntry(
        source="w.xlsx!Week23:2",
        members={"user_id": "007", "date": "2026-06-03", "project": "StoreZero", "hours": Decimal("7.5")},
    )


def test_a_time_of_day_gets_the_offset_of_the_zone() -> None:
    content = save(["007", MORNING, "X", 1])

    [entry] = read(content, "w.xlsx", zone=ZoneInfo("Europe/Berlin"))
    [rejected] = read(content, "w.xlsx")

    assert entry.members["date"] == "2026-06-03T08:30:00+02:00"
    assert "--time-zone" in describe([rejected])[0]


def test_floating_point_noise_is_removed() -> None:
    [entry] = read(save(["007", "2026-06-03", "X", 8.3 - 0.2]), "w.xlsx")

    assert entry.members["hours"] == Decimal("8.1")


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        pytest.param(0, 7, "user_id: the cell holds a number, which may have lost leading", id="user"),
        pytest.param(0, DAY, "user_id: the cell holds a date; format", id="user is a date"),
        pytest.param(2, 1.5, "project: the cell holds a number, which", id="project"),
        pytest.param(4, 12, "entry_id: the cell holds a number, which", id="entry_id"),
        pytest.param(1, 46176, "date: the cell holds a number; format it as a date", id="number"),
        pytest.param(1, NOON, "date: the cell holds a time of day or duration", id="date is a time"),
        pytest.param(3, None, "hours: '' is not a decimal", id="no hours"),
        pytest.param(3, NOON, "hours: the cell holds a time of day or duration", id="time"),
        pytest.param(3, "=1+1", "hours: the cell holds a formula without a stored value; open", id="formula"),
        pytest.param(5, "note", "this row has 6 cells, and the header has 5", id="a cell too many"),
    ],
)
def test_a_cell_of_the_wrong_kind_rejects_its_row(column: int, value: object, problem: str) -> None:
    row: list[object] = ["007", "2026-06-03", "X", 1, "a", None]
    row[column] = value

    [rejected] = read(save(row, header=(*COLUMNS, "entry_id")), "w.xlsx")

    assert isinstance(rejected, RejectedEntry)
    assert rejected.describe().startswith(f"w.xlsx!Week23:2: {problem}")


@pytest.mark.parametrize(
    ("revision", "reason", "expected"),
    [
        pytest.param(2, "late", {"revision": Decimal(2), "reason": "late"}, id="number"),
        pytest.param(None, None, {}, id="empty"),
        pytest.param(2.5, None, {"revision": "2.5"}, id="a fraction, for the API to refuse"),
    ],
)
def test_a_correction_is_read(revision: object, reason: object, expected: Mapping[str, object]) -> None:
    content = save(["007", "2026-06-03", "X", 0, "a", revision, reason], header=(*COLUMNS, *OPTIONAL_COLUMNS))

    [entry] = read(content, "w.xlsx")

    assert isinstance(entry, InputEntry)
    assert {name: entry.members[name] for name in entry.members if name not in COLUMNS} == {
        "entry_id": "a",
        **expected,
    }


@pytest.mark.parametrize(
    ("column", "value", "kept", "problem"),
    [
        pytest.param(5, True, True, "revision: the cell holds a boolean; write the", id="true"),
        pytest.param(5, "#N/A", "", "revision: the cell holds an error; write the", id="an error"),
        pytest.param(6, 7, Decimal(7), "reason: the cell holds a number, which may", id="number"),
        pytest.param(6, DAY, "", "reason: the cell holds a date; format", id="reason: date"),
    ],
)
def test_a_revision_or_reason_of_the_wrong_kind_rejects_its_row(
    column: int, value: object, kept: object, problem: str
) -> None:
    row: list[object] = ["007", "2026-06-03", "X", 1, "a", 2, "late"]
    row[column] = value

    [rejected] = read(save(row, header=(*COLUMNS, *OPTIONAL_COLUMNS)), "w.xlsx")

    assert isinstance(rejected, RejectedEntry)
    assert rejected.describe().startswith(f"w.xlsx!Week23:2: {problem}")
    # Null would mean that there is none, and the API would accept that.
    assert rejected.members[OPTIONAL_COLUMNS[column - 4]] == kept


def test_a_cell_of_the_wrong_kind_keeps_a_value_that_the_api_refuses() -> None:
    [rejected] = read(save([7, "2026-06-03", True, NOON]), "w.xlsx")

    expected = {"user_id": Decimal(7), "date": "2026-06-03", "project": True, "hours": None}
    assert rejected.members == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("[$-de-CH]yyyy\\-mm\\-dd", "2026-06-03", id="language"),
        pytest.param('d. mmmm yyyy" Uhr"', "2026-06-03", id="quoted"),
        pytest.param("dd\\hmm", "2026-06-03", id="escaped"),
        pytest.param("yyyy-mm-dd hh:mm", "2026-06-03T00:00:00+00:00", id="time"),
        pytest.param("AM/PM h", "2026-06-03T00:00:00+00:00", id="half days"),
    ],
)
def test_midnight_is_a_time_only_if_the_format_shows_the_time(code: str, expected: str) -> None:
    content = save(["007", DAY, "X", 1], formats={"B2": code})

    [entry] = read(content, "w.xlsx", zone=ZoneInfo("UTC"))

    assert entry.members["date"] == expected


@pytest.mark.parametrize("code", ['0.00" hours"', "[Red]0.00", "0.0\\h", "General", "0.00E+00", "@"])
def test_letters_in_a_format_do_not_make_a_number_a_date(code: str) -> None:
    [entry] = read(save(["007", DAY, "X", 7.5], formats={"D2": code}), "w.xlsx")

    assert entry.members["hours"] == Decimal("7.5")


def test_only_sheets_with_the_columns_of_an_entry_are_read() -> None:
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
            save(Week24=[["user_id", "date"]]),
            "w.xlsx!Week24:1: .* missing: 'project', 'hours'",
            id="columns",
        ),
        pytest.param(save()[:-100], "is not a complete Excel workbook", id="cut"),
    ],
)
def test_a_file_that_is_not_a_workbook_of_entries_is_unreadable(content: bytes, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=problem):
        read(content, "w.xlsx")


def test_a_workbook_without_a_sheet_of_entries_is_unreadable() -> None:
    with pytest.raises(InputUnreadable, match="no sheet has a first row that names the columns"):
        read(save_workbook(openpyxl.Workbook()), "w.xlsx")


def test_hidden_sheets_and_rows_and_uncomputed_formulas_cause_one_warning() -> None:
    row = ["007", "2026-06-03", "X", 1]
    uncomputed = ["007", "2026-06-03", "X", "=1+1"]
    workbook = openpyxl.load_workbook(io.BytesIO(save(row, row, row, uncomputed, Old=[COLUMNS, row])))
    workbook["Old"].sheet_state = "hidden"
    for number in (3, 4):
        workbook["Week23"].row_dimensions[number].hidden = True
    content = save_workbook(workbook)

    assert len(read(content, "w.xlsx")) == 5
    [warning] = find_warnings(content, "w.xlsx")
    assert warning == (
        "w.xlsx: warning: hidden rows were read too (first: Week23:3); "
        "formulas have no stored value (first: Week23:5); a hidden sheet was read too (first: Old)"
    )


def test_a_hidden_sheet_without_entries_causes_no_warning() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(save(["007", DAY, "X", 1], Lists=[["StoreZero"]])))
    workbook["Lists"].sheet_state = "veryHidden"

    assert find_warnings(save_workbook(workbook), "w.xlsx") == []


def save_three_sheets() -> bytes:
    row = ["007", "2026-06-03", "X", 1]
    workbook = openpyxl.load_workbook(
        io.BytesIO(save(row, Week24=[COLUMNS, row], Old=[COLUMNS, row], Lists=[["X"]]))
    )
    workbook["Old"].sheet_state = "hidden"
    return save_workbook(workbook)


def read_sheets(*names: str) -> list[str]:
    items = iterate(save_three_sheets(), "w.xlsx", sheets=names)
    return [item.source if isinstance(item, InputEntry) else str(item) for item in items]


@pytest.mark.parametrize(
    ("names", "sources"),
    [
        pytest.param(["Week24"], ["w.xlsx!Week24:2"], id="one"),
        pytest.param(["Week24", "Week23"], ["w.xlsx!Week23:2", "w.xlsx!Week24:2"], id="two"),
        pytest.param(["Old"], ["w.xlsx!Old:2"], id="hidden, without a warning"),
    ],
)
def test_only_chosen_sheets_are_read(names: list[str], sources: list[str]) -> None:
    assert read_sheets(*names) == sources


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        pytest.param(
            ["week24", "Old", "Week25"],
            "w.xlsx: has no sheet 'week24', 'Week25'; its sheets are 'Week23', 'Week24', 'Old', 'Lists'",
            id="unknown",
        ),
        pytest.param(
            ["Week23", "Lists"], "w.xlsx!Lists: its first row does not name", id="without our columns"
        ),
    ],
)
def test_a_chosen_sheet_that_cannot_be_read_is_an_error(names: list[str], problem: str) -> None:
    with pytest.raises(InputUnreadable) as raised:
        read_sheets(*names)

    assert str(raised.value).startswith(problem)


def test_a_run_reads_only_the_sheet_that_the_command_line_names(tmp_path: Path) -> None:
    file = tmp_path / "w.xlsx"
    file.write_bytes(save_three_sheets())
    run = Run()

    status = run.start({}, file, is_dry_run=True, sheets=["Old"], expected_entries=1)

    assert status == ExitStatus.DONE
    assert run.written[0] == f"{file}: 1 entry, 0 rejected; nothing was sent (--dry-run)"


def test_files_that_are_no_workbooks_are_read_whole_although_sheets_are_chosen() -> None:
    content = '{"user_id": "007", "date": "2026-06-03", "project": "X", "hours": 1}\n'

    assert len(list(iterate(content, "w.xlsx.rejected.ndjson", sheets=["Week24"]))) == 1
