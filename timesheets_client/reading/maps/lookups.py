"""Read a CSV file that gives each text of an export its value, such as a user id for each e-mail address."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from timesheets_client.printable import quote
from timesheets_client.reading.csv_files import DELIMITERS


class LookupUnreadable(Exception):
    """Its message names the file and has a line for each problem."""


def read_lookup(path: Path, member: str) -> Mapping[str, str]:
    """The values of `member` by text, with the texts casefolded. Raises LookupUnreadable."""
    values: dict[str, str] = {}
    problems = []
    for number, cells in read_rows(path, member):
        text, value = (cells[0].strip(), cells[1].strip()) if len(cells) == 2 else ("", "")
        if not text or not value:
            problems.append(f"{path.name}:{number}: this row needs two cells, neither of them empty")
        elif text.casefold() in values:
            problems.append(f"{path.name}:{number}: {quote(text)} is listed twice")
        values[text.casefold()] = value
    if problems:
        raise LookupUnreadable("\n".join(problems))
    return values


def read_rows(path: Path, member: str) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header that are not blank, with their line numbers. Raises LookupUnreadable."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = max(DELIMITERS, key=first.count)
            names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
            if len(names) != 2 or names[1].strip() != member:
                raise LookupUnreadable(
                    f"{path.name}:1: the first row must name two columns, the second of them {member}; "
                    f"it is {quote(first.strip())}"
                )
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            yield from ((reader.line_num + 1, cells) for cells in reader if any(cells))
    except OSError as error:
        raise LookupUnreadable(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LookupUnreadable(f"{path.name} is not in UTF-8") from None
    except csv.Error as error:
        raise LookupUnreadable(f"{path.name} is not CSV: {error}") from None
