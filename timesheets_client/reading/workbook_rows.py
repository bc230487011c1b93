"""Read the rows of a sheet."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from timesheets_client.reading.workbook_cells import (
    CHARACTERS_OF_A_TEXT_AT_MOST,
    EMPTY,
    Cell,
    Cells,
    Kind,
)
from timesheets_client.reading.workbook_package import TRUE, Package, Sheet
from timesheets_client.reading.workbook_xml import WorkbookUnreadable

# Excel's own limits.
ROWS_AT_MOST = 1_048_576
COLUMNS_AT_MOST = 16_384

REFERENCE = re.compile(r"([A-Za-z]{1,3})[1-9][0-9]{0,6}")


@dataclass(kw_only=True, slots=True)
class Row:
    """`cells` are those that are not empty, by column; the first is 0."""

    number: int
    is_hidden: bool
    cells: dict[int, Cell] = field(default_factory=dict)

    def list_cells(self, width: int) -> list[Cell]:
        """At least `width` of them, and as many more as reach to the last that is not empty."""
        width = max(width, max(self.cells, default=-1) + 1)
        return [self.cells.get(column, EMPTY) for column in range(width)]


class RowListener:
    """Listens to a sheet, and keeps the rows that it heard to the end in `rows`."""

    def __init__(self, cells: Cells) -> None:
        self.rows: list[Row] = []
        self._cells = cells
        self._row = Row(number=0, is_hidden=False)
        self._column = -1
        self._attributes: Mapping[str, str] = {}
        self._is_formula = False
        self._text: str | None = None

    def begin(self, path: str, attributes: Mapping[str, str]) -> None:
        if path == "row/c":
            self._begin_cell(attributes)
        elif path == "sheetData/row":
            self._begin_row(attributes)
        elif path == "c/f":
            self._is_formula = True
        elif path == "c/v":
            self._text = self._text or ""

    def add_text(self, path: str, text: str) -> None:
        if path == "c/v" or path in ("is/t", "r/t"):
            self._text = self._text or ""
            if len(self._text) <= CHARACTERS_OF_A_TEXT_AT_MOST:
                self._text += text

    def end(self, path: str) -> None:
        if path == "row/c":
            cell = self._read_cell()
            if cell is not EMPTY:
                self._row.cells[self._column] = cell
        elif path == "sheetData/row":
            self.rows.append(self._row)

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        number = int(attributes.get("r", self._row.number + 1))
        if not self._row.number < number:
            raise WorkbookUnreadable(f"row {number} comes after row {self._row.number}")
        if number > ROWS_AT_MOST:
            raise WorkbookUnreadable(
                f"a sheet has at most {ROWS_AT_MOST:,} rows, and this one has row {number}"
            )
        self._row = Row(number=number, is_hidden=attributes.get("hidden") in TRUE)
        self._column = -1

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        column = find_column(attributes["r"]) if "r" in attributes else self._column + 1
        if column in self._row.cells or column >= COLUMNS_AT_MOST:
            raise WorkbookUnreadable(f"row {self._row.number} holds a cell twice, or one too far right")
        self._column, self._attributes, self._is_formula, self._text = column, attributes, False, None

    def _read_cell(self) -> Cell:
        kind = self._attributes.get("t", "n")
        if self._text:
            return self._cells.read(kind, self._attributes.get("s", "0"), self._text)
        # An empty text is a value, too.
        has_value = kind == "str" and self._text is not None
        return Cell(kind=Kind.NOT_COMPUTED) if self._is_formula and not has_value else EMPTY


def read_rows(package: Package, sheet: Sheet, cells: Cells) -> Iterator[Row]:
    listener = RowListener(cells)
    for _ in package.parse(sheet.part, listener):
        yield from listener.rows
        listener.rows.clear()


def find_column(reference: str) -> int:
    """0 for A1."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise WorkbookUnreadable(f"it holds a cell at {reference[:20]!r}, where none can be")
    number = 0
    for letter in match[1].upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
