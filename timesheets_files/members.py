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
