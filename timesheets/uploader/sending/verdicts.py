"""Read what the API says about each entry of a batch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from timesheets.uploader.network.exchange import Answer, make_printable
from timesheets.uploader.reading.entries import ENTRY_ID, Entry, Errors, Rejected
from timesheets.uploader.sending.batches import Batch
from timesheets.uploader.sending.client import explain_stranger

HELD_BACK = HTTPStatus.FAILED_DEPENDENCY


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """How many entries were created and how many were there already, and those that were rejected.

    `existing_sources` is where the latter stand, if the API was asked to tell.
    """

    created: int = 0
    existing: int = 0
    rejected: Sequence[Rejected] = ()
    existing_sources: Sequence[str] = field(default=())

    def add(self, other: Self) -> "Verdicts":
        return Verdicts(
            created=self.created + other.created,
            existing=self.existing + other.existing,
            rejected=[*self.rejected, *other.rejected],
            existing_sources=[*self.existing_sources, *other.existing_sources],
        )


def read_verdicts(answer: Answer, batch: Batch, url: str) -> Verdicts:
    """The verdicts in an answer. Raises ConfigurationError if the API never answers like this."""
    members = answer.document or {}
    received, created, existing, rejected = (
        members.get(name) for name in ("received", "created", "existing", "rejected")
    )
    items = list(find_items(members.get("entries"), batch, answer.secrets))
    refused = [item for item in items if item.status not in (HTTPStatus.OK, HTTPStatus.CREATED)]
    if (
        not isinstance(created, int)
        or not isinstance(existing, int)
        or received != len(batch)
        or rejected != len(refused)
        or created + existing + len(refused) != len(batch)
    ):
        raise explain_stranger(answer, url)
    return Verdicts(
        created=created,
        existing=existing,
        rejected=[item.reject() for item in refused if item.status != HELD_BACK],
        existing_sources=[item.entry.source for item in items if item.status == HTTPStatus.OK],
    )


@dataclass(frozen=True, kw_only=True)
class Item:
    """The API's verdict on one entry."""

    entry: Entry
    status: int
    errors: Errors
    timesheet_id: object

    def reject(self) -> Rejected:
        errors = self.errors or {ENTRY_ID: [self._explain()]}
        return Rejected(source=self.entry.source, errors=errors, members=self.entry.members)

    def _explain(self) -> str:
        if self.status == HTTPStatus.CONFLICT:
            return f"This stands for timesheet {self.timesheet_id}, whose content is another and stays."
        return f"The API answered {self.status}."


def find_items(items: object, batch: Batch, secrets: tuple[str, ...]) -> Iterator[Item]:
    for item in items if isinstance(items, list) else ():
        index = item.get("index") if isinstance(item, Mapping) else None
        status = item.get("status") if isinstance(item, Mapping) else None
        if isinstance(index, int) and isinstance(status, int) and 0 <= index < len(batch):
            yield Item(
                entry=batch.entries[index],
                status=status,
                errors=dict(read_errors(item.get("errors"), secrets)),
                timesheet_id=item.get("id"),
            )


def read_errors(errors: object, secrets: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """The errors in DRF's form, safe to print."""
    for name, texts in errors.items() if isinstance(errors, dict) else ():
        listed = texts if isinstance(texts, list) else [texts]
        yield make_printable(name, *secrets), [make_printable(str(text), *secrets) for text in listed]
