"""Read entries from JSON: an array, one object after another, or one object per line."""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import tzinfo
from typing import BinaryIO

from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.entries import InputEntry, Members, RejectedEntry, reject_text
from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.members import ENTRY_ID, REJECTED, Malformed
from timesheets_files.printable import quote
from timesheets_files.strict_json import (
    REPEATED,
    NotJSON,
    decode_utf8,
    parse_value,
    require_pairs,
    require_shallow,
    scan,
)

MAX_ENTRY_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
WHITE_SPACE = re.compile(r"[ \t\r\n]*")


def read_ndjson(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[InputEntry | RejectedEntry]:
    """The entry on each line that is not blank. Raises InputUnreadable for a line of 1 MiB."""
    number = 0
    while line := file.readline(MAX_ENTRY_BYTES):
        number += 1
        if len(line) == MAX_ENTRY_BYTES:
            raise InputUnreadable(f"{name}:{number}: this line is over 1 MiB; is there one entry per line?")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if stripped := line.strip():
            yield read_line(f"{name}:{number}", stripped, zone)


def read_line(source: str, line: bytes, zone: tzinfo | None) -> InputEntry | RejectedEntry:
    try:
        text = decode_utf8(line)
        return make_entry(source, parse_value(text), text, zone)
    except NotJSON as error:
        text = line.decode(errors="backslashreplace")
        return reject_text(source, f"this line is not JSON: {error}", text)


def make_entry(source: str, value: object, text: str, zone: tzinfo | None) -> InputEntry | RejectedEntry:
    """The entry in a JSON value that was parsed from `text`."""
    if not isinstance(value, dict):
        return reject_text(source, f"{quote(text)} is not an entry; an entry is an object", text)
    if REJECTED in value:
        rejection = value.pop(REJECTED)
        if not value.keys() - {ENTRY_ID}:
            return reject_again(source, rejection, value)
    if REPEATED in value.values():
        return reject_text(source, "one of its members is repeated", text)
    if zone and isinstance(value.get("date"), str):
        # Whatever else is wrong with a date is for the API to say.
        with suppress(Malformed):
            value["date"] = compile_reader(DateFormat.ISO, zone)(value["date"])
    return InputEntry(source=source, members=value)


def reject_again(source: str, rejection: object, members: Members) -> RejectedEntry:
    """The rejection of a line that still has no members."""
    text = rejection.get("text") if isinstance(rejection, dict) else None
    reason = "this line still has no entry; write its members next to _rejected, or delete the line"
    return replace(reject_text(source, reason, text if isinstance(text, str) else ""), members=members)


def read_json(file: BinaryIO, name: str, zone: tzinfo | None) -> Iterator[InputEntry | RejectedEntry]:
    """The entries of an array, or of objects that follow one another.

    Raises InputUnreadable at broken JSON, because the next entry can begin anywhere after it.
    """
    window = Window(file, name)
    is_array = window.take("[")
    has_more = not (is_array and window.take("]"))
    while has_more:
        source = f"{name}[{window.index}]"
        value, text = window.take_value()
        try:
            require_shallow(text)
            require_pairs(value, text)
            yield make_entry(source, value, text, zone)
        except NotJSON as error:
            yield reject_text(source, f"this entry is not JSON: {error}", text)
        has_more = window.take(",") if is_array else bool(window.peek())
        if is_array and not has_more and not window.take("]"):
            raise window.explain("a comma or the end of the array is missing")
    if window.peek():
        raise window.explain("something follows the array")


class Window:
    """The part of a text that is being read. It grows at its end and is forgotten at its beginning."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._position = 0
        self._is_whole = False
        self.index = 0

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self._position = WHITE_SPACE.match(self._text, self._position).end()  # type: ignore[union-attr]
            if self._position < len(self._text) or self._is_whole:
                return self._text[self._position : self._position + 1]
            self._grow()

    def take(self, mark: str) -> bool:
        """Whether the next character is `mark`. If so, reading goes on after it."""
        is_next = self.peek() == mark
        self._position += is_next
        return is_next

    def take_value(self) -> tuple[object, str]:
        """The next value, and its text. Raises InputUnreadable."""
        self.peek()
        while True:
            try:
                value, end = scan(self._text, self._position)
            except NotJSON as error:
                if self._is_whole or len(self._text) - self._position > MAX_ENTRY_BYTES:
                    raise self.explain(error.problem) from None
            else:
                # A number at the end of the text may continue in the next chunk.
                if end < len(self._text) or self._is_whole:
                    text = self._text[self._position : end]
                    self._position = end
                    self.index += 1
                    return value, text
            self._grow()

    def explain(self, problem: str) -> InputUnreadable:
        """The error for text that cannot be read from here on."""
        if self._is_whole and self._position == len(self._text):
            problem = "the file ends in the middle; was it cut, or is it still being written?"
        else:
            problem = f"{problem}, near {quote(self._text[self._position :][:40])}"
        return InputUnreadable(
            f"{self._name}[{self.index}]: {problem}; the entries before it were read, the rest was not"
        )

    def _grow(self) -> None:
        self._text = self._text[self._position :]
        self._position = 0
        # Chunks double in size, so that a long entry is not parsed again for each of many chunks.
        chunk = self._file.read(max(CHUNK_BYTES, len(self._text)))
        self._is_whole = not chunk
        try:
            self._text += self._decoder.decode(chunk, final=self._is_whole)
        except UnicodeDecodeError:
            raise self.explain("this entry or the next one is not UTF-8") from None
