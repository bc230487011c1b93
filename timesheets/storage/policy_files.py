"""Read the CSV files in which operators write down what they decided."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, TypeVar

from timesheets_files.csv_rows import open_csv
from timesheets_files.limits import CONTROL_CHARACTER, MAX_LENGTHS
from timesheets_files.members import FileUnreadable, RowMalformed

MAX_ROWS = 100_000

Row = TypeVar("Row")


class PolicyFileWrong(Exception):
    """A file with errors, one for each line of the message."""


def read_policy(
    file: BinaryIO,
    columns: Sequence[str],
    read_row: Callable[[dict[str, str]], tuple[Row, list[str]]],
    *,
    required: Sequence[str],
) -> list[Row]:
    """Return the results of `read_row`. Raises PolicyFileWrong with the faults of all rows."""
    rows, problems = [], []
    try:
        with open_csv(file, keeps_empty=True) as table:
            header = [name.lower() for name in table.header]
            if faults := list(_find_header_faults(header, columns, required)):
                raise PolicyFileWrong("\n".join(faults))
            for line, cells in table:
                if isinstance(cells, RowMalformed) or len(cells) != len(header):
                    width = f"this row does not have {len(header)} cells"
                    problems.append(f"{line}: {cells if isinstance(cells, RowMalformed) else width}")
                    continue
                row, faults = read_row(dict(zip(header, cells, strict=True)))
                problems += [f"{line}: {fault}" for fault in faults]
                rows.append(row)
    except FileUnreadable as error:
        problems.append(str(error))
    if len(rows) > MAX_ROWS:
        problems.append(f"there are {len(rows)} rows, and a file may have {MAX_ROWS}")
    if problems:
        raise PolicyFileWrong("\n".join(problems))
    return rows


def _find_header_faults(
    header: Sequence[str], columns: Sequence[str], required: Sequence[str]
) -> Iterator[str]:
    for name in required:
        if name not in header:
            yield f"1: the column {name} is missing"
    for name in dict.fromkeys(header):
        if name not in columns:
            yield f"1: there is no column {name!r}; the columns are {', '.join(columns)}"
        elif header.count(name) > 1:
            yield f"1: the column {name} is there more than once"


def find_text_faults(texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        if len(text) > MAX_LENGTHS[name] or CONTROL_CHARACTER.search(text):
            yield f"{name}: has control characters, or over {MAX_LENGTHS[name]} characters"
