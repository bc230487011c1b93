"""Read what the API says about each entry of a batch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from timesheets_client.network.messages import Answer, make_printable
from timesheets_client.reading.entries import ENTRY_ID, Errors, InputEntry, RejectedEntry
from timesheets_client.sending.batches import Batch

HELD_BACK = HTTPStatus.FAILED_DEPENDENCY
REJECTED = (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
STATUSES = (HTTPStatus.CREATED, HTTPStatus.OK, HELD_BACK, *REJECTED)


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """How many entries were created and how many were there already, and those that were rejected.

    `existing_sources` is where the latter stand, if the API was asked to tell.
    """

    created: int = 0
    existing: int = 0
    rejected: Sequence[RejectedEntry] = ()
    existing_sources: Sequence[str] = field(default=())

    def add(self, other: Self) -> "Verdicts":
        return Verdicts(
            created=self.created + other.created,
            existing=self.existing + other.existing,
            rejected=[*self.rejected, *other.rejected],
            existing_sources=[*self.existing_sources, *other.existing_sources],
        )


def read_verdicts(answer: Answer, batch: Batch, *, is_complete: bool) -> Verdicts | None:
    """The verdicts in an answer; None if they are not the API's on this batch.

    `is_complete` if the API was asked to list every entry, not only those that were rejected.
    """
    members = answer.document or {}
    items = read_items(members.get("entries"), batch, answer.secrets)
    is_refused = answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    if items is None or (is_complete and len(items) != len(batch)):
        return None
    if not adds_up(members, items, len(batch), is_refused=is_refused):
        return None
    return Verdicts(
        created=read_count(members, "created"),
        existing=read_count(members, "existing"),
        rejected=[item.reject() for item in items if item.status in REJECTED],
        existing_sources=[item.entry.source for item in items if item.status == HTTPStatus.OK],
    )


def adds_up(
    members: Mapping[str, object], items: Sequence["EntryVerdict"], size: int, *, is_refused: bool
) -> bool:
    """Whether the counts are those of so many entries, and agree with the entries that are listed."""
    received, created, existing, rejected = (
        read_count(members, name) for name in ("received", "created", "existing", "rejected")
    )
    listed = Counter(item.status for item in items)
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
    """A count; -1 if it is none."""
    count = members.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) else -1


@dataclass(frozen=True, kw_only=True)
class EntryVerdict:
    """The API's verdict on one entry."""

    index: int
    entry: InputEntry
    status: int
    errors: Errors
    timesheet_id: str

    def reject(self) -> RejectedEntry:
        errors = self.errors or {ENTRY_ID: [self._explain()]}
        return RejectedEntry(source=self.entry.source, errors=errors, members=self.entry.members)

    def _explain(self) -> str:
        if self.status == HTTPStatus.CONFLICT:
            return f"This stands for timesheet {self.timesheet_id}, whose content is another and stays."
        return f"The API answered {self.status}."


def read_items(items: object, batch: Batch, secrets: tuple[str, ...]) -> list[EntryVerdict] | None:
    """The verdicts that are listed; None if one of them is none, or an entry has two."""
    if not isinstance(items, list):
        return None
    read = [item for each in items if (item := read_verdict(each, batch, secrets))]
    is_each_once = len(read) == len(items) == len({item.index for item in read})
    return read if is_each_once else None


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
