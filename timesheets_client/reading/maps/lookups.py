"""Read a CSV file that gives each text of an export its value, such as a user id for each e-mail address."""

import csv
import io
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from timesheets_client.local_files import NO_WAIT
from timesheets_client.reading.csv_files import DELIMITERS

MAX_BYTES = 16 * 1024 * 1024


class LookupUnreadable(Exception):
    """Its message has a line for each problem. It quotes nothing of the file: a map can name any file."""


def read_lookup(path: Path, member: str) -> Mapping[str, str]:
    """The values of `member` by text, with the texts casefolded. Raises LookupUnreadable."""
    values: dict[str, str] = {}
    problems = []
    for number, cells in read_rows(path, member):
        text, value = (cells[0].strip(), cells[1].strip()) if len(cells) == 2 else ("", "")
        if not text or not value:
            problems.append(f"{path.name}:{number}: this row needs two cells, neither of them empty")
        elif text.casefold() in values:
            problems.append(f"{path.name}:{number}: its text is on an earlier line too")
        values[text.casefold()] = value
    if problems:
        raise LookupUnreadable("\n".join(problems))
    return values


def read_rows(path: Path, member: str) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header that are not blank, with their line numbers. Raises LookupUnreadable."""
    lines = io.StringIO(read_text(path), newline="")
    try:
        first = lines.readline()
        delimiter = max(DELIMITERS, key=first.count)
        names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
        if len(names) != 2 or names[1].strip() != member:
            raise LookupUnreadable(
                f"{path.name}:1: the first row must name two columns, the second of them {member}"
            )
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        yield from ((reader.line_num + 1, cells) for cells in reader if any(cells))
    except csv.Error as error:
        raise LookupUnreadable(f"{path.name} is not CSV: {error}") from None


def read_text(path: Path) -> str:
    """The text of a regular file. Raises LookupUnreadable."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise LookupUnreadable(f"{path.name} cannot be read: it is not a regular file")
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise LookupUnreadable(f"{path.name} is over 16 MiB")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise LookupUnreadable(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LookupUnreadable(f"{path.name} is not in UTF-8") from None
    except ValueError:
        raise LookupUnreadable(f"{path.name} cannot be read: no file has such a name") from None
