"""Read a CSV file that gives each text of an export its value, such as a user id for each e-mail address."""

import io
from collections.abc import Mapping
from pathlib import Path

from timesheets_files.csv_rows import open_csv
from timesheets_files.members import FileUnreadable, RowMalformed


def read_lookup(path: Path, member: str) -> tuple[Mapping[str, str], list[str]]:
    """The values of `member` by casefolded text, and the problems.

    They quote nothing of the file, because a map can name any file.
    """
    values: dict[str, str] = {}
    problems = []
    try:
        # A pipe might never end.
        with open_csv(io.BytesIO(b"" if path.is_fifo() else path.read_bytes())) as table:
            if len(table.header) != 2 or table.header[1] != member:
                return {}, [
                    f"{path.name}:1: the first row must name two columns, the second of them {member}"
                ]
            for line, cells in table:
                if isinstance(cells, RowMalformed):
                    problems.append(f"{path.name}:{line}: {cells}")
                elif len(cells) != 2 or not all(cells):
                    problems.append(f"{path.name}:{line}: this row needs two cells, neither of them empty")
                elif cells[0].casefold() in values:
                    problems.append(f"{path.name}:{line}: its text is on an earlier line too")
                else:
                    values[cells[0].casefold()] = cells[1]
    except FileUnreadable as error:
        problems = [f"{path.name}: {error}"]
    except (OSError, ValueError) as error:
        problems = [f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}"]
    return values, problems
