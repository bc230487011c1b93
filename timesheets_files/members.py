"""The members of an entry, what a cell can be that is none of them, and why a file cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

COLUMNS = ("user_id", "date", "project", "hours")
ENTRY_ID = "entry_id"
REVISION = "revision"
REASON = "reason"
# An empty cell of these means that the entry has no such member.
OPTIONAL_COLUMNS = (ENTRY_ID, REVISION, REASON)
# Why a row was refused before: in the API's files of rejected rows, and in the client's.
ERRORS = "errors"
REJECTED = "_rejected"
IGNORED_COLUMNS = (ERRORS, REJECTED)
# The name that DRF gives to errors of the entry as a whole.
WHOLE_ENTRY = "non_field_errors"

# The first bytes of files.
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
# Also of a workbook with a password, which is wrapped in a file of the old format.
OLD_EXCEL = b"\xd0\xcf\x11\xe0"

OLD_WORKBOOK = "is a workbook in Excel's old format, or has a password; save it as .xlsx without a password"
UTF_16 = 'is in UTF-16; save it as "CSV UTF-8"'
NO_TEXT = {
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
    OLD_EXCEL: OLD_WORKBOOK,
    b"%PDF": "is a PDF; save the table as CSV UTF-8 instead",
    ZIP: "is an Excel workbook or a zip archive, and not text",
    GZIP: "is compressed with gzip",
}


class Malformed(Exception):
    """A value or a row that cannot be read. The message says why, without naming it."""


class RowMalformed(Malformed):
    """A row that cannot be read. `text` is the row."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.text = text


@dataclass(frozen=True, slots=True)
class Unfit:
    """Takes the place of a member whose cell cannot be read. `sent` is refused like the cell."""

    sent: object
    reason: str


class SentDate(str):
    """A date in ISO form, and the cell that it was read from."""

    __slots__ = ("sent",)
    sent: str

    def __new__(cls, date: str, sent: str) -> Self:
        made = super().__new__(cls, date)
        made.sent = sent
        return made


class FileUnreadable(Exception):
    """The message continues the name of the file, or `line` and `sheet` if they are given."""

    def __init__(self, reason: str, line: int | None = None, sheet: str = "") -> None:
        super().__init__(reason)
        self.line, self.sheet = line, sheet


class FileTooLarge(FileUnreadable):
    """More is unpacked than the caller wants."""


class HeaderMalformed(FileUnreadable):
    """The first row does not name the columns of a table. `header` has its cells if they can be read."""

    header: Sequence[str] = ()


class DateOrderInDoubt(FileUnreadable):
    """A date fits only with day and month swapped, so that other dates of the file may have been misread."""


def require_text(head: bytes) -> None:
    """Raise FileUnreadable for a file that begins like one of another kind."""
    for mark, problem in NO_TEXT.items():
        if head.startswith(mark):
            raise FileUnreadable(problem)
    # ASCII in UTF-16 without a mark.
    if len(head) > 3 and (not any(head[:4:2]) or not any(head[1:4:2])):
        raise FileUnreadable(UTF_16)
