"""Read a CSV file that gives each text of an export its value, such as a user id for each e-mail address."""

import errno
import io
import stat
from collections.abc import Mapping
from pathlib import Path

from timesheets_client.local_files import NO_WAIT, read_file
from timesheets_files.csv_rows import open_csv
from timesheets_files.members import FileUnreadable, RowMalformed

MAX_BYTES = 16 * 1024 * 1024


def read_lookup(path: Path, member: str) -> tuple[Mapping[str, str], list[str]]:
    """The values of `member` by casefolded text, and the problems.

    They quote nothing of the file, because a map can name any file.
    """
    values: dict[str, str] = {}
    problems = []
    try:
        with open_csv(io.BytesIO(read_content(path))) as table:
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


def read_content(path: Path) -> bytes:
    content, status = read_file(path, MAX_BYTES + 1, NO_WAIT)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if len(content) > MAX_BYTES:
        raise OSError(errno.EFBIG, "it is over 16 MiB")
    return content
