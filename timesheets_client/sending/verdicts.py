"""Read the API's verdicts on the entries of a batch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from timesheets_client.network.messages import Answer, make_printable
from timesheets_client.reading.entries import ENTRY_ID, InputEntry, RejectedEntry
from timesheets_client.sending.batches import Batch

HELD_BACK = HTTPStatus.FAILED_DEPENDENCY
REJECTED = (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
STATUSES = (HTTPStatus.CREATED, HTTPStatus.OK, HELD_BACK, *REJECTED)


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """How many entries are created and how many already exist, and the rejected entries.

    `existing_sources` locates the existing entries, if the API was asked to list them.
    """

    created: int = 0
    existing: int = 0
    rejected: Sequence[RejectedEntry] = ()
    existing_sources: Sequence[str] = ()

    def add(self, other: Self) -> "Verdicts":
        return Verdicts(
            created=self.created + other.created,
            existing=self.existing + other.existing,
            rejected=[*self.rejected, *other.rejected],
            existing_sources=[*self.existing_sources, *other.existing_sources],
        )


@dataclass(frozen=True, kw_only=True)
class EntryVerdict:
    index: int
    entry: InputEntry
    status: int
    errors: Mapping[str, object]
    timesheet_id: str

    def reject(self) -> RejectedEntry:
        reason = f"The API answered {self.status}."
        if self.status == HTTPStatus.CONFLICT:
            reason = f"This belongs to timesheet {self.timesheet_id}, which differs and stays unchanged."
        errors = self.errors or {ENTRY_ID: [reason]}
        return RejectedEntry(source=self.entry.source, errors=errors, members=self.entry.members)


def read_verdicts(answer: Answer, batch: Batch, *, is_complete: bool) -> Verdicts | None:
    """The verdicts in an answer; None if they are not the API's verdicts on this batch.

    `is_complete` if the API was asked to list every entry, not only the rejected ones.
    """
    members = answer.document or {}
    verdicts = read_list(members.get("entries"), batch, answer.secrets)
    is_refused = answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    if verdicts is None or (is_complete and len(verdicts) != len(batch)):
        return None
    if not adds_up(members, verdicts, len(batch), is_refused=is_refused):
        return None
    return Verdicts(
        created=read_count(members, "created"),
        existing=read_count(members, "existing"),
        rejected=[each.reject() for each in verdicts if each.status in REJECTED],
        existing_sources=[each.entry.source for each in verdicts if each.status == HTTPStatus.OK],
    )


def adds_up(
    members: Mapping[str, object], verdicts: Sequence[EntryVerdict], size: int, *, is_refused: bool
) -> bool:
    """Whether the counts add up to `size` and agree with the listed verdicts."""
    received, created, existing, rejected = (
        read_count(members, name) for name in ("received", "created", "existing", "rejected")
    )
    listed = Counter(each.status for each in verdicts)
    listed_rejected = listed[HELD_BACK] + sum(listed[status] for status in REJECTED)
    return (
        received == created + existing + rejected == size
        and min(created, existing, rejected) >= 0
        and listed[HTTPStatus.CREATED] <= created
        and listed[HTTPStatus.OK] <= existing
        and listed_rejected == rejected
        and (is_refused or not listed[HELD_BACK])
    )


def read_count(members: Mapping[str, object], name: str) -> int:
    """A count; -1 if there is none."""
    count = members.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) else -1


def read_list(items: object, batch: Batch, secrets: tuple[str, ...]) -> list[EntryVerdict] | None:
    """The listed verdicts; None if one is malformed, or if an entry has two."""
    if not isinstance(items, list):
        return None
    verdicts = [verdict for item in items if (verdict := read_verdict(item, batch, secrets))]
    is_each_once = len(verdicts) == len(items) == len({each.index for each in verdicts})
    return verdicts if is_each_once else None


def read_verdict(item: object, batch: Batch, secrets: tuple[str, ...]) -> EntryVerdict | None:
    if not isinstance(item, Mapping):
        return None
    index, status = read_count(item, "index"), read_count(item, "status")
    if not 0 <= index < len(batch) or status not in STATUSES:
        return None
    return EntryVerdict(
        index=index,
        entry=batch.entries[index],
        status=status,
        errors=dict(read_errors(item.get("errors"), secrets)),
        timesheet_id=make_printable(str(item.get("id")), *secrets),
    )


def read_errors(errors: object, secrets: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """The errors in DRF's form, safe to print."""
    for name, texts in errors.items() if isinstance(errors, dict) else ():
        listed = texts if isinstance(texts, list) else [texts]
        yield make_printable(name, *secrets), [make_printable(str(text), *secrets) for text in listed]
