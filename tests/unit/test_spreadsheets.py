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
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+1", "'+1", id="plus"),
        pytest.param("-1", "'-1", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        *(pytest.param(f"{sign}1", f"'{sign}1", id=f"U+{ord(sign):X}") for sign in FULL_WIDTH),
        pytest.param("\t=1", "'\t'=1", id="tab"),
        pytest.param("\r=1", "'\r'=1", id="carriage-return"),
        pytest.param("\n=1", "'\n'=1", id="line-feed"),
        pytest.param("a;=1", "a;'=1", id="after-a-semicolon"),
        pytest.param("a\t@1", "a\t'@1", id="after-a-tab"),
        pytest.param("a; \uff1d1;b", "a;' \uff1d1;b", id="after-a-blank"),
        pytest.param('a;"=1"', 'a;\'"=1"', id="after-a-quote"),
        pytest.param("'=1", "''=1", id="apostrophe"),
        pytest.param("1=1", "1=1", id="inside"),
        pytest.param("'tis; that's", "'tis; that's", id="text"),
        pytest.param("", "", id="empty"),
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
