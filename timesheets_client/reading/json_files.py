"""Read JSON: an array, objects one after the other, or one in each line."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import BinaryIO

from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.dates import DateUnreadable, read_date, shorten
from timesheets_client.reading.entries import (
    ENTRY_ID,
    REJECTED,
    InputEntry,
    Members,
    RejectedEntry,
    reject_text,
)
from timesheets_client.reading.json_values import NotJSON, find_fault, parse_value

MAX_ENTRY_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
WHITE_SPACE = re.compile(r"[ \t\r\n\ufeff]*")


def read_ndjson(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[InputEntry | RejectedEntry]:
    """The entry of each line that is not blank."""
    number = 0
    while line := file.readline(MAX_ENTRY_BYTES):
        number += 1
        if len(line) == MAX_ENTRY_BYTES:
            raise InputUnreadable(f"{name}:{number}: this line is over 1 MiB; is there one entry in a line?")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if stripped := line.strip():
            yield read_line(f"{name}:{number}", stripped, zone)


def read_line(source: str, line: bytes, zone: tzinfo | None) -> InputEntry | RejectedEntry:
    try:
        text = line.decode()
        value, end = parse_value(text)
        if end < len(text):
            raise NotJSON(f"something follows the value at character {end + 1}")
    except UnicodeDecodeError as error:
        text = line.decode(errors="backslashreplace")
        return reject_text(source, f"byte {error.start + 1} of this line is not UTF-8", text)
    except NotJSON as error:
        return reject_text(source, f"this line is not JSON: {error}", text)
    return make_entry(source, value, text, zone)


def make_entry(source: str, value: object, text: str, zone: tzinfo | None) -> InputEntry | RejectedEntry:
    """The entry that a value of JSON stands for, as far as that can be read here."""
    if not isinstance(value, dict):
        return reject_text(source, f"{shorten(text)} is no entry; an entry is an object", text)
    if REJECTED in value:
        rejection = value.pop(REJECTED)
        if not value.keys() - {ENTRY_ID}:
            return reject_again(source, rejection, value)
    if fault := find_fault(value, text):
        return reject_text(source, f"this entry cannot be sent: {fault}", text)
    if isinstance(value.get("date"), str):
        try:
            value["date"] = read_date(value["date"], zone)
        except DateUnreadable as error:
            return RejectedEntry(source=source, errors={"date": [str(error)]}, members=value)
    return InputEntry(source=source, members=value)


def reject_again(source: str, rejection: object, members: Members) -> RejectedEntry:
    text = rejection.get("text") if isinstance(rejection, dict) else None
    reason = "this line still holds no entry; write its members beside _rejected, or delete the line"
    return replace(reject_text(source, reason, text if isinstance(text, str) else ""), members=members)


class Window:
    """The part of a text that is being read, which grows at its end and is forgotten at its beginning."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._position = 0
        self._is_whole = False
        self.index = 0

    def take_mark(self, marks: str) -> str:
        """The next character that is not white space, if it is one of `marks`; else nothing is taken."""
        while True:
            self._position = WHITE_SPACE.match(self._text, self._position).end()  # type: ignore[union-attr]
            if self._position < len(self._text) or self._is_whole:
                break
            self._grow()
        mark = self._text[self._position : self._position + 1]
        if mark not in marks:
            return ""
        self._position += len(mark)
        return mark

    def is_at_end(self) -> bool:
        self.take_mark("")
        return self._position == len(self._text)

    def take_value(self) -> tuple[object, str]:
        """The next value, and its text. Raises InputUnreadable."""
        self.take_mark("")
        while True:
            try:
                value, end = parse_value(self._text, self._position)
            except NotJSON as error:
                if self._is_whole or len(self._text) - self._position > MAX_ENTRY_BYTES:
                    raise self.explain(str(error)) from None
            else:
                # A number at the very end may go on.
                if end < len(self._text) or self._is_whole:
                    text = self._text[self._position : end]
                    self._position = end
                    self.index += 1
                    return value, text
            self._grow()

    def explain(self, problem: str) -> InputUnreadable:
        """The error for a text that cannot be read on from here."""
        if self._is_whole and self._position == len(self._text):
            problem = "the file ends here, in the middle; was it cut, or is it still being written?"
        else:
            problem = f"{problem}, near {shorten(self._text[self._position :][:40])}"
        return InputUnreadable(
            f"{self._name}[{self.index}]: {problem}; what stands before was read, the rest was not"
        )

    def _grow(self) -> None:
        self._text = self._text[self._position :]
        self._position = 0
        # Twice as much each time, so that a long entry isn't parsed again for every piece of it.
        piece = self._file.read(max(CHUNK_BYTES, len(self._text)))
        self._is_whole = not piece
        try:
            self._text += self._decoder.decode(piece, final=self._is_whole)
        except UnicodeDecodeError:
            raise self.explain("this or the next entry is not UTF-8") from None


def read_json(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[InputEntry | RejectedEntry]:
    """The entries of an array, or of objects that follow one another.

    Raises InputUnreadable where the JSON is broken, since nobody can tell where the next entry begins.
    """
    window = Window(file, name)
    is_array = bool(window.take_mark("["))
    if is_array and window.take_mark("]"):
        require_end(window)
        return
    while True:
        source = f"{name}[{window.index}]"
        value, text = window.take_value()
        yield make_entry(source, value, text, zone)
        if is_array and not window.take_mark(","):
            break
        if not is_array and window.is_at_end():
            return
    if not window.take_mark("]"):
        raise window.explain("a comma or the end of the array is missing")
    require_end(window)


def require_end(window: Window) -> None:
    if not window.is_at_end():
        raise window.explain("something follows the array")
