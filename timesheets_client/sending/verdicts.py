"""Read the API's verdicts on the entries of a batch."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Self

from timesheets_client.network.messages import Answer, make_printable
from timesheets_client.reading.entries import InputEntry, RejectedEntry
from timesheets_client.sending.batches import Batch
from timesheets_files.members import COLUMNS, ENTRY_ID
from timesheets_files.rows import DECIMAL

RECEIPT = re.compile(r"/uploads/([0-9]{1,18})$")
COUNTS = ("received", "created", "existing", "rejected")
HELD_BACK = HTTPStatus.FAILED_DEPENDENCY
REPEATED_ID = "An earlier entry of this file has the same entry_id. Keep the one that is right."
STATUSES = frozenset({200, 201, 403, 409, 422, HELD_BACK})


@dataclass(frozen=True, kw_only=True)
class EntryVerdict:
    """The API's verdict on one entry.

    Of an entry that corrects with `correct=true`, `revision` is the new one, and in a dry run `was` has the
    stored members.
    """

    entry: InputEntry
    status: int
    errors: Mapping[str, object]
    stored_id: int | None = None
    revision: int | None = None
    was: Mapping[str, str] | None = None

    @property
    def is_rejected(self) -> bool:
        return self.status >= HTTPStatus.BAD_REQUEST and self.status != HELD_BACK

    def reject(self) -> RejectedEntry:
        reason = f"The API answered {self.status}."
        if self.status == HTTPStatus.CONFLICT:
            # The API names no entry that is not stored: in a dry run, an earlier one of the same file.
            reason = REPEATED_ID
            if self.stored_id is not None:
                reason = (
                    f"This belongs to timesheet {self.stored_id}, which differs and stays unchanged; "
                    "to correct it, upload it with --correct and --reason."
                )
        return self.entry.reject(self.errors or {ENTRY_ID: [reason]})


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """The numbers of created and existing entries, and the verdicts that the API listed.

    `corrected` counts the entries that a correction has changed. They do not count as created. `uploads` are
    the numbers of the API's receipts.
    """

    created: int = 0
    corrected: int = 0
    existing: int = 0
    listed: Sequence[EntryVerdict] = ()
    uploads: Sequence[int] = ()

    @cached_property
    def rejected(self) -> list[RejectedEntry]:
        return [each.reject() for each in self.listed if each.is_rejected]

    def add(self, other: Self) -> "Verdicts":
        return Verdicts(
            created=self.created + other.created,
            corrected=self.corrected + other.corrected,
            existing=self.existing + other.existing,
            listed=[*self.listed, *other.listed],
            uploads=[*self.uploads, *other.uploads],
        )


def read_verdicts(answer: Answer, batch: Batch, *, is_complete: bool) -> Verdicts | None:
    """The verdicts in an answer; None if they are not the API's verdicts on this batch.

    `is_complete` if the API was asked to list every entry, not only the rejected ones.
    """
    members: Mapping[str, Any] = answer.document or {}
    try:
        received, created, existing, rejected = [read_count(members, name) for name in COUNTS]
        verdicts = [read_verdict(each, batch, answer.secrets) for each in members["entries"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    listed = Counter(each.status for each in verdicts)
    new, known = listed[HTTPStatus.CREATED], listed[HTTPStatus.OK]
    adds_up = (
        received == created + existing + rejected == len(batch)
        and len({each["index"] for each in members["entries"]}) == len(verdicts)
        and (new <= created and known <= existing and len(verdicts) - new - known == rejected)
        and (answer.status == HTTPStatus.UNPROCESSABLE_ENTITY or not listed[HELD_BACK])
        and not (is_complete and len(verdicts) < len(batch))
    )
    if not adds_up:
        return None
    corrected = sum(each.revision is not None for each in verdicts)
    return Verdicts(
        created=created - corrected,
        corrected=corrected,
        existing=existing,
        listed=verdicts,
        uploads=[int(number) for number in RECEIPT.findall(answer.headers.get("Location", ""))],
    )


def read_verdict(item: Mapping[str, Any], batch: Batch, secrets: tuple[str, ...]) -> EntryVerdict:
    index, status = read_count(item, "index"), read_count(item, "status")
    if index >= len(batch) or status not in STATUSES:
        raise ValueError
    return EntryVerdict(
        entry=batch.entries[index],
        status=status,
        errors=dict(read_errors(item.get("errors"), secrets)),
        stored_id=read_count(item, "id") if item.get("id") else None,
        revision=read_count(item, "revision") if status == 201 and item.get("revision") else None,
        was=read_members(item.get("was"), secrets),
    )


def read_count(members: Mapping[str, Any], name: str) -> int:
    """A number from 0 on. Raises ValueError."""
    count = members.get(name)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError
    return count


def read_members(members: object, secrets: tuple[str, ...]) -> Mapping[str, str] | None:
    """The four members as texts, safe to print; None if one is missing or the hours are no number."""
    if not isinstance(members, Mapping) or not all(name in members for name in COLUMNS):
        return None
    if not DECIMAL.fullmatch(str(members["hours"])):
        return None
    return {name: make_printable(str(members[name]), *secrets) for name in COLUMNS}


def read_errors(errors: object, secrets: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """The errors in DRF's form, safe to print."""
    for name, texts in errors.items() if isinstance(errors, dict) else ():
        listed = texts if isinstance(texts, list) else [texts]
        yield make_printable(name, *secrets), [make_printable(str(text), *secrets) for text in listed]
