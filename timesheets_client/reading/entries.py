"""What an input holds: entries, rejects, skipped rows, warnings. Only the API knows what a valid entry is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from timesheets_files.members import WHOLE_ENTRY
from timesheets_files.printable import put_on_one_line

MAX_DESCRIPTION_LENGTH = 1_000

Members = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEntry:
    """An entry as it is sent, and its place in the input, such as `week23.csv:17`."""

    source: str
    members: Members

    def reject(self, errors: Mapping[str, object]) -> "RejectedEntry":
        return RejectedEntry(source=self.source, errors=errors, members=self.members)


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
    """Why an input may not say what its author means. It comes at most once, at the end."""

    source: str
    reasons: Sequence[str]

    def describe(self) -> str:
        return put_on_one_line(f"{self.source}: warning: {'; '.join(self.reasons)}")


Row = InputEntry | RejectedEntry | SkippedRow
InputItem = Row | InputWarning


def reject_text(source: str, reason: str, text: str) -> RejectedEntry:
    return RejectedEntry(source=source, errors={WHOLE_ENTRY: [reason]}, text=text)
