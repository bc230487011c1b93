"""Read a CSV file that gives each text of an export its value, such as a user id for each e-mail address."""

import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from timesheets_client.local_files import NO_WAIT
from timesheets_files.csv_rows import open_csv
from timesheets_files.members import FileUnreadable, RowMalformed

MAX_BYTES = 16 * 1024 * 1024


class LookupUnreadable(Exception):
    """Its message has a line for each problem. It quotes nothing of the file: a map can name any file."""


def read_lookup(path: Path, member: str) -> Mapping[str, str]:
    """The values of `member` by text, with the texts casefolded. Raises LookupUnreadable."""
    values: dict[str, str] = {}
    problems = []
    try:
        with open_csv(io.BytesIO(read_content(path))) as table:
            if len(table.header) != 2 or table.header[1] != member:
                raise LookupUnreadable(
                    f"{path.name}:1: the first row must name two columns, the second of them {member}"
                )
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
        raise LookupUnreadable(f"{path.name}: {error}") from None
    if problems:
        raise LookupUnreadable("\n".join(problems))
    return values


def read_content(path: Path) -> bytes:
    """The content of a regular file. Raises LookupUnreadable."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise LookupUnreadable(f"{path.name} cannot be read: it is not a regular file")
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise LookupUnreadable(f"{path.name} is over 16 MiB")
        return content
    except OSError as error:
        raise LookupUnreadable(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError:
        raise LookupUnreadable(f"{path.name} cannot be read: no file has such a name") from None
