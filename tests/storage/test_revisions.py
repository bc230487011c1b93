"""Random uploads of first entries and corrections: every verdict, row and receipt is that of the model.

REVISION_EXAMPLES is how many sequences of uploads to try. The default is 50.
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.kit.default_database import Database
from tests.kit.examples import try_examples
from tests.storage.entries import PAYROLL, RECEIVED_AT, make_entry, own, to_entry
from tests.storage.revisions import Model
from tests.storage.uploads import DELIVERED, make_delivery
from timesheets.models import Timesheet, Upload
from timesheets.storage.entries import Entry, Outcome, Verdict
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.queries import TimesheetQuery, list_timesheets
from timesheets.storage.receipts import find_receipt

EXISTING = (Outcome.EXISTING, Outcome.SUPERSEDED)

_BASE = make_entry()
_IN_PARIS = _BASE.date.astimezone(timezone(timedelta(hours=2)))
CONTENTS: list[dict[str, Any]] = [
    {},
    # Equal to the first by value.
    {"hours": Decimal("5.00"), "date": _IN_PARIS},
    {"user_id": "008"},
    {"user_id": "008"},
    {"date": _BASE.date + timedelta(microseconds=1)},
    {"project": "storezero"},
    {"hours": Decimal("5.01")},
]
WITHDRAWN = {"hours": Decimal(0)}
REASONS = ["wrong hours", "wrong project"]
CLIENTS = ["payroll", "reporting"]
ENTRY_IDS = ["a", "b"]
# The first revisions of "a" in many examples: older rows are equal to each other, or to none.
HISTORY = [
    make_entry("a"),
    make_entry("a", user_id="008", revision=2, reason="wrong hours"),
    make_entry("a", revision=3, reason="wrong project"),
    make_entry("a", project="storezero", revision=4, reason="wrong hours"),
]

firsts = st.builds(
    lambda entry_id, content, revision: make_entry(entry_id, **content, revision=revision),
    st.sampled_from([*ENTRY_IDS, *ENTRY_IDS, None]),
    st.sampled_from(CONTENTS),
    st.sampled_from([None, None, 1]),
)
corrections = st.builds(
    lambda entry_id, content, revision, reason: make_entry(
        entry_id, **content, revision=revision, reason=reason
    ),
    st.sampled_from(ENTRY_IDS),
    st.sampled_from([*CONTENTS, WITHDRAWN, WITHDRAWN]),
    st.sampled_from([2, 2, 3, 3, 4, 5]),
    st.sampled_from(REASONS),
)
repeated_corrections = st.builds(
    Entry._replace, st.sampled_from(HISTORY[1:]), reason=st.sampled_from(REASONS)
)
repeated_contents = st.builds(Entry._replace, st.sampled_from(HISTORY), revision=st.none(), reason=st.none())


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Entries that one client sends, each alone, together, or together for a receipt."""

    client: str
    entries: Sequence[Entry]
    how: str
    commits: bool
    # New or repeated first entries, with keys before or after all others, so that PostgreSQL uses COPY.
    many: str

    def list_entries(self) -> list[Entry]:
        return [*self.entries, *(make_entry(f"{self.many}{number:03}") for number in range(105) if self.many)]


uploads = st.builds(
    Sent,
    client=st.sampled_from([*CLIENTS[:1], *CLIENTS]),
    entries=st.lists(
        st.one_of(firsts, corrections, corrections, repeated_corrections, repeated_contents), max_size=8
    ),
    how=st.sampled_from(["alone", "together", "upload", "upload"]),
    commits=st.sampled_from([True, True, True, False]),
    many=st.sampled_from(["", "", "", "", "", "", "", "A", "c"]),
)


class Site:
    """A client's rows in the database and in the model, and which ids are the same row."""

    numbers = itertools.count()

    def __init__(self, client_id: str) -> None:
        self.client = replace(PAYROLL, client_id=f"{client_id}-{next(self.numbers)}")
        self.model = Model()
        # From the ids in the database to those of the model.
        self.ids = {0: 0}
        self.upload_ids: list[int] = []

    def send(self, sent: Sent) -> None:
        if sent.how == "alone":
            for entry in sent.entries:
                self._compare([entry], ingest_upload(self.client, [entry], RECEIVED_AT).verdicts)
        elif sent.how == "together":
            self.ingest(sent.list_entries(), commits=sent.commits)
        else:
            self._upload(sent.list_entries(), commits=sent.commits)

    def ingest(self, entries: Sequence[Entry], *, commits: bool = True) -> None:
        verdicts = ingest_upload(self.client, entries, RECEIVED_AT, commit_if=lambda _: commits).verdicts
        self._compare(entries, verdicts, commits=commits)

    def _upload(self, entries: Sequence[Entry], *, commits: bool) -> None:
        delivery = make_delivery(len(entries) + 1, sum(entry.hours for entry in entries))
        ingested = ingest_upload(self.client, entries, RECEIVED_AT, delivery, commit_if=lambda _: commits)
        self._compare(entries, ingested.verdicts, commits=commits)
        assert (ingested.upload_id is not None) == commits
        if ingested.upload_id is not None:
            self.upload_ids.append(ingested.upload_id)
            receipt = find_receipt(own(self.client), ingested.upload_id)
            assert receipt is not None
            assert DELIVERED(receipt) == DELIVERED(delivery)
            require_totals(receipt, entries, ingested.verdicts)

    def _compare(
        self, entries: Sequence[Entry], verdicts: Sequence[Verdict], *, commits: bool = True
    ) -> None:
        model, ids = (self.model, self.ids) if commits else (copy.deepcopy(self.model), dict(self.ids))
        expected = model.ingest(entries)
        created = [verdict.timesheet_id for verdict in verdicts if verdict.outcome is Outcome.CREATED]
        # A rolled back upload may leave its ids to the next one.
        assert all(row_id > max(self.ids) for row_id in created)
        ids |= {
            verdict.timesheet_id: model_verdict.timesheet_id
            for verdict, model_verdict in zip(verdicts, expected, strict=True)
            if verdict.outcome is Outcome.CREATED
        }
        assert [self._to_model(verdict, ids) for verdict in verdicts] == expected

    def _to_model(self, verdict: Verdict, ids: dict[int, int]) -> Verdict:
        """The verdict with the model's ids: -1 for the id of a row that the client does not have."""
        return verdict._replace(
            timesheet_id=ids.get(verdict.timesheet_id, -1),
            supersedes=verdict.supersedes and ids.get(verdict.supersedes, -1),
            superseded_by=verdict.superseded_by and ids.get(verdict.superseded_by, -1),
        )

    def require_rows(self) -> None:
        rows = Timesheet.objects.filter(client__client_id=self.client.client_id)
        assert {
            self.ids.get(row.pk): to_entry(row)._replace(revision=row.revision) for row in rows
        } == self.model.rows
        by_upload = [row.upload_id for row in rows if row.upload_id is not None]
        assert set(by_upload) <= set(self.upload_ids)
        uploads = Upload.objects.filter(client__client_id=self.client.client_id)
        assert {upload.pk: upload.created for upload in uploads} == {
            upload_id: by_upload.count(upload_id) for upload_id in self.upload_ids
        }

    def require_history(self) -> None:
        """Read the state as of some ids."""
        for as_of in sorted(set(self.ids) - {0})[-40::4]:
            for is_current in (False, True):
                page = list_timesheets(
                    own(self.client), TimesheetQuery(as_of=as_of, is_current=is_current), 1000
                )
                assert [
                    (stored.timesheet_id, stored.supersedes, stored.superseded_by)
                    for stored in page.timesheets
                ] == self._expect_history(as_of, is_current=is_current)

    def _expect_history(self, as_of: int, *, is_current: bool) -> list[tuple[int, int | None, int | None]]:
        rows = []
        row_ids = {model_id: row_id for row_id, model_id in self.ids.items()}
        for entry_id, revisions in self.model.revisions.items():
            known = [row for row in revisions if row_ids[row.row_id] <= as_of]
            ids = [row_ids[row.row_id] for row in known]
            before, after = ([None, *ids], [*ids[1:], None]) if entry_id else ([None] * len(ids),) * 2
            for row, row_id, previous_id, next_id in zip(known, ids, before, after, strict=False):
                if not is_current or (next_id is None and row.entry.hours):
                    rows.append((row_id, previous_id, next_id))
        return sorted(rows)


def require_totals(receipt: Upload, entries: Sequence[Entry], verdicts: Sequence[Verdict]) -> None:
    """One more entry was received and rejected before the others were judged."""
    created = [v.timesheet_id for v in verdicts if v.outcome is Outcome.CREATED]
    existing = [v.timesheet_id for v in verdicts if v.outcome in EXISTING]
    assert (receipt.created, receipt.existing) == (len(created), len(existing))
    assert receipt.rejected == len(entries) + 1 - len(created) - len(existing)
    assert (receipt.first_id, receipt.last_id) == (min(created, default=None), max(created, default=None))
    judged = list(zip(entries, verdicts, strict=True))
    assert receipt.hours_created == sum(e.hours for e, v in judged if v.outcome is Outcome.CREATED)
    assert receipt.hours_existing == sum(e.hours for e, v in judged if v.outcome in EXISTING)


@try_examples("REVISION_EXAMPLES", 50)
@given(st.integers(0, 4), st.lists(uploads, min_size=1, max_size=5))
def test_every_verdict_row_and_receipt_is_that_of_the_model(
    database: Database, stored: int, sequence: Sequence[Sent]
) -> None:
    sites = {client: Site(client) for client in CLIENTS}
    sites["payroll"].ingest(HISTORY[:stored])

    for sent in sequence:
        sites[sent.client].send(sent)

    for site in sites.values():
        site.require_rows()
        site.require_history()
