"""What an input holds: entries, rejects, skipped rows, warnings. Only the API knows what a valid entry is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import TypeVar

from timesheets_files.members import REASON, REVISION, WHOLE_ENTRY
from timesheets_files.printable import put_on_one_line
from timesheets_files.strict_json import REPEATED

MAX_DESCRIPTION_LENGTH = 1_000

Members = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEntry:
    """An entry as it is sent, and its place in the input, such as `week23.csv:17`."""

    source: str
    members: Members

    def reject(self, errors: Mapping[str, object]) -> "RejectedEntry":
        return RejectedEntry(source=self.source, errors=errors, members=self.members)

    def revise(self, revision: int, reason: str) -> "InputEntry":
        return replace(self, members={**self.members, REVISION: revision, REASON: reason})


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedEntry:
    """A permanently refused entry with all its errors; `text` replaces members that could not be read."""

    source: str
    # As in DRF: by member, a list of messages.
    errors: Mapping[str, object]
    members: Members = field(default_factory=dict)
    text: str = ""

    def describe(self) -> str:
        """One line, such as `week23.csv:17: hours: A valid number is required.`"""
        problems = []
        for name, messages in self.errors.items():
            text = " ".join(map(str, messages)) if isinstance(messages, list) else str(messages)
            problems.append(text if name == WHOLE_ENTRY else f"{name}: {text}")
        return put_on_one_line(f"{self.source}: {'; '.join(problems)}"[:MAX_DESCRIPTION_LENGTH])


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRow:
    """A row that is no entry, because a mapping file says so."""

    source: str
    reason: str

    def describe(self) -> str:
        return put_on_one_line(f"{self.source}: skipped: {self.reason}")


@dataclass(frozen=True, kw_only=True, slots=True)
class InputWarning:
    """A reason to doubt an input. It comes at most once, at the end."""

    source: str
    reasons: Sequence[str]

    def describe(self) -> str:
        return put_on_one_line(f"{self.source}: warning: {'; '.join(self.reasons)}")


Row = InputEntry | RejectedEntry | SkippedRow
InputItem = Row | InputWarning
Item = TypeVar("Item", bound=InputEntry | RejectedEntry)


def ignore_revision(item: Item) -> Item:
    """The item without its revision and reason, because the run has its own."""
    members = {name: value for name, value in item.members.items() if name not in (REVISION, REASON)}
    return replace(item, members=members)


def reject_text(source: str, reason: str, text: str) -> RejectedEntry:
    return RejectedEntry(source=source, errors={WHOLE_ENTRY: [reason]}, text=text)


def encode_value(value: object) -> str:
    """JSON in ASCII, on one line, without a digit changed: numbers are sent as they were read."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, Decimal):
        # A number beyond the range of Decimal was read as infinity.
        return str(value).replace("Infinity", "1e99999999999999999999")
    if isinstance(value, dict):
        pairs = [f"{encode_basestring_ascii(name)}: {encode_value(each)}" for name, each in value.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(encode_value, value))}]"
    # The API refuses null like the object that it is in.
    return json.dumps(None if value is REPEATED else value)
