"""Files for spreadsheets: no cell runs as a formula, and each value can be read back."""

import csv
import io
import re
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timesheets.formats.spreadsheets import write_csv

FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"


def write(*cells: str) -> str:
    return "".join(write_csv(["header"], [cells], UTC)).removeprefix("\ufeffheader\r\n")


def read(text: str, delimiter: str = ",") -> list[str]:
    """The cells, as a spreadsheet with this separator splits them."""
    return [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        *((f"{sign}1", f"'{sign}1") for sign in (*"=+-@", *FULL_WIDTH)),
        *((f"{blank}=1", f"'{blank}'=1") for blank in "\t\r\n"),
        ("a;=1", "a;'=1"),
        ("a\t@1", "a\t'@1"),
        ("a; \uff1d1;b", "a;' \uff1d1;b"),
        ('a;"=1"', 'a;\'"=1"'),
        ("'=1", "''=1"),
        *((text, text) for text in ("1=1", "'tis; that's", "-2.50", "")),
    ],
)
def test_cells_that_look_like_formulas_become_text(cell: str, written: str) -> None:
    assert read(write(cell, 'a "quoted", text')) == [written, 'a "quoted", text']


ANY_CELL = st.text(alphabet=f"=+-@{FULL_WIDTH};,\t\r\n'\" ax1")


@given(st.lists(ANY_CELL, min_size=1, max_size=3), st.sampled_from(",;\t"))
def test_no_separator_of_a_spreadsheet_makes_a_formula(cells: list[str], delimiter: str) -> None:
    for cell in read(write(*cells), delimiter):
        assert cell.strip('"')[:1] not in {*"=+-@", *FULL_WIDTH}


@given(ANY_CELL)
def test_without_the_apostrophes_that_were_added_a_value_is_as_it_was(cell: str) -> None:
    [written] = read(write(cell)) if cell else [""]

    marks = rf"(^|[;\t\r\n])'(?=['\" ]*[=+\-@\t\r\n{FULL_WIDTH}])"
    assert re.sub(marks, r"\1", written) == cell
