"""What was read from an input: entries, and what is none. What an entry may be, only the API knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

COLUMNS = ("user_id", "date", "project", "hours")
ENTRY_ID = "entry_id"
REJECTED = "_rejected"

Members = Mapping[str, object]
# DRF's form: for each member what is wrong with it, in a list.
Errors = Mapping[str, object]

WHOLE_ENTRY = "non_field_errors"
MAX_DESCRIPTION_LENGTH = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEntry:
    """What stands at `source`, such as `week23.csv:17`, in the form in which it is sent."""

    source: str
    members: Members


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedEntry:
    """What is refused for good: its members, or the text that has none, and all that is wrong with it."""

    source: str
    errors: Errors
    members: Members = field(default_factory=dict)
    text: str = ""

    def describe(self) -> str:
        """One line for a person, as in `week23.csv:17: hours: A valid number is required.`"""
        faults = []
        for name, texts in self.errors.items():
            words = " ".join(map(str, texts)) if isinstance(texts, list) else str(texts)
            faults.append(words if name == WHOLE_ENTRY else f"{name}: {words}")
        return make_printable(f"{self.source}: {'; '.join(faults)}"[:MAX_DESCRIPTION_LENGTH])


@dataclass(frozen=True, kw_only=True, slots=True)
class InputWarning:
    """Why what was read from an input may not be what its author meant. Comes at most once, at the end."""

    source: str
    reasons: Sequence[str]

    def describe(self) -> str:
        return make_printable(f"{self.source}: warning: {'; '.join(self.reasons)}")


# What an input holds, piece by piece.
InputItem = InputEntry | RejectedEntry | InputWarning


def make_printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def reject_text(source: str, reason: str, text: str) -> RejectedEntry:
    return RejectedEntry(source=source, errors={WHOLE_ENTRY: [reason]}, text=text)
