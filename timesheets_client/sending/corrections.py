"""Correct stored entries: find those that differ, and send the next revision of each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal, DecimalException
from http import HTTPStatus

from timesheets_client.errors import TemporaryFailure
from timesheets_client.reading.entries import ENTRY_ID, REASON, REVISION, InputEntry
from timesheets_client.sending.batch_uploads import UploadMode, upload_batch
from timesheets_client.sending.batches import make_batches
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import find_entry
from timesheets_client.sending.verdicts import MAX_REVISION, EntryVerdict, Verdicts

# An entry that is not withdrawn has a revision before the one that withdraws it.
FIRST_WITHDRAWAL = 2
PROBE = UploadMode(is_dry_run=True, lists_all=True)
MAX_PROBES = 1_000


class Corrections:
    """Corrects entries for one reason. `mode` must list all; a dry run says what would become of them."""

    def __init__(self, client: ApiClient, reason: str, batch_size: int, mode: UploadMode) -> None:
        self._client, self._reason, self._batch_size, self._mode = client, reason, batch_size, mode

    def correct(self, entries: Sequence[InputEntry]) -> Verdicts:
        """The verdicts on entries of which no two have the same `entry_id`. Raises an UploadError.

        It is safe to repeat: what equals the current revision stays as it is.
        """
        withdrawals, others = partition(self._send(map(self._begin, entries)), is_withdrawal)
        outdated, settled = partition(others, is_outdated)
        live, withdrawn = self._find_live(withdrawals)
        conflicts, sent = partition(self._send(map(self._succeed, [*outdated, *live])), is_outdated)
        verdicts = [*settled, *withdrawn, *sent, *map(explain_conflict, conflicts)]
        positions = {each.source: position for position, each in enumerate(entries)}
        return count_verdicts(sorted(verdicts, key=lambda each: positions[each.entry.source]))

    def _begin(self, entry: InputEntry) -> InputEntry:
        """Without a revision, the API compares with the current one. It takes 0 hours only with one."""
        return revise(entry, FIRST_WITHDRAWAL, self._reason) if has_no_hours(entry) else entry

    def _succeed(self, outdated: EntryVerdict) -> InputEntry:
        return revise(outdated.entry, outdated.current_revision + 1, self._reason)

    def _find_live(self, verdicts: Sequence[EntryVerdict]) -> tuple[list[EntryVerdict], list[EntryVerdict]]:
        """Of withdrawals, those that must be sent with another revision; and those that are settled."""
        outdated, others = partition(verdicts, is_outdated)
        equal, others = partition(others, is_existing)
        restored, withdrawn = find_superseded(self._client, equal)
        compared, unknown = partition([*outdated, *restored], is_compared_with_current)
        # The current revision exists, so this stores nothing. It is equal if an earlier run sent it.
        probes = [revise(each.entry, each.current_revision, self._reason) for each in unknown]
        differing, repeated = partition(self._send(probes), is_outdated)
        read, live = partition([*compared, *differing], self._is_withdrawn)
        return live, [
            *map(explain_unknown, others),
            *withdrawn,
            *repeated,
            *(replace(each, status=HTTPStatus.OK) for each in read),
        ]

    def _is_withdrawn(self, verdict: EntryVerdict) -> bool:
        """Whether the current revision has 0 hours, for another reason. Unknown without the scope to read."""
        if verdict.stored_id is None or not self._client.may_read:
            return False
        stored = find_entry(self._client, verdict.stored_id)
        return stored is not None and stored.is_withdrawn and not stored.is_superseded

    def _send(self, entries: Iterable[InputEntry]) -> list[EntryVerdict]:
        verdicts: list[EntryVerdict] = []
        for batch in make_batches(entries, self._batch_size):
            verdicts += upload_batch(self._client, batch, self._mode).listed
        for each in verdicts:
            require_history(each)
        return verdicts


def find_superseded(
    client: ApiClient, verdicts: Sequence[EntryVerdict]
) -> tuple[list[EntryVerdict], list[EntryVerdict]]:
    """Those whose revision is no longer current, with the one that is; and the others. Raises an UploadError.

    The API says which one is current when it refuses a revision that is too high, and not when one is equal.
    """
    by_source = {each.entry.source: each for each in verdicts}
    probes = [
        replace(each.entry, members={**each.entry.members, REVISION: MAX_REVISION}) for each in verdicts
    ]
    located = [
        replace(by_source[each.entry.source], current_revision=each.current_revision)
        for batch in make_batches(probes, MAX_PROBES)
        for each in upload_batch(client, batch, PROBE).listed
    ]
    return partition(located, lambda each: sent_revision(each) < each.current_revision)


def has_no_hours(entry: InputEntry) -> bool:
    hours = entry.members.get("hours")
    try:
        return isinstance(hours, Decimal | str) and Decimal(hours) == 0
    except DecimalException:
        return False


def is_withdrawal(verdict: EntryVerdict) -> bool:
    return has_no_hours(verdict.entry)


def is_existing(verdict: EntryVerdict) -> bool:
    return verdict.status == HTTPStatus.OK


def is_compared_with_current(verdict: EntryVerdict) -> bool:
    return verdict.status == HTTPStatus.CONFLICT and sent_revision(verdict) == verdict.current_revision


def is_outdated(verdict: EntryVerdict) -> bool:
    """Whether the entry differs from what is stored, or equals only a revision that is not current."""
    is_superseded = is_existing(verdict) and bool(verdict.superseded_by)
    return verdict.status == HTTPStatus.CONFLICT or is_superseded


def sent_revision(verdict: EntryVerdict) -> int:
    revision = verdict.entry.members.get(REVISION)
    return revision if isinstance(revision, int) else 1


def revise(entry: InputEntry, revision: int, reason: str) -> InputEntry:
    return replace(entry, members={**entry.members, REVISION: revision, REASON: reason})


def require_history(verdict: EntryVerdict) -> None:
    if verdict.code == "revision_gap":
        raise TemporaryFailure(
            f"{verdict.entry.source}: the API no longer has the revision that it named as the current one; "
            "was its database restored? Run it again."
        )


def explain_unknown(verdict: EntryVerdict) -> EntryVerdict:
    """The verdict in words for somebody who sent no revision."""
    if verdict.status != HTTPStatus.UNPROCESSABLE_ENTITY or REVISION not in verdict.errors:
        return verdict
    return replace(verdict, errors={ENTRY_ID: ["There is no entry with this entry_id to withdraw."]})


def explain_conflict(verdict: EntryVerdict) -> EntryVerdict:
    """The rejection of a correction that another one overtook: a person must decide which is right."""
    reason = (
        f"Another correction of this entry was stored at the same time: it has revision "
        f"{verdict.current_revision} now. Check which one is right, and correct it again if it is this one."
    )
    return replace(verdict, status=HTTPStatus.CONFLICT, errors={ENTRY_ID: [reason]})


def count_verdicts(verdicts: Sequence[EntryVerdict]) -> Verdicts:
    created = [each for each in verdicts if each.status == HTTPStatus.CREATED]
    corrected = sum(each.is_correction for each in created)
    return Verdicts(
        created=len(created) - corrected,
        corrected=corrected,
        existing=sum(each.status == HTTPStatus.OK for each in verdicts),
        listed=[drop_revision(each) if each.is_rejected else each for each in verdicts],
    )


def drop_revision(verdict: EntryVerdict) -> EntryVerdict:
    """The verdict on the entry as it was read, for the rejects file: the next run finds its own revision."""
    return replace(verdict, entry=ignore_revision(verdict.entry))


def ignore_revision(entry: InputEntry) -> InputEntry:
    members = {name: value for name, value in entry.members.items() if name not in (REVISION, REASON)}
    return replace(entry, members=members)


def partition(
    verdicts: Iterable[EntryVerdict], is_wanted: Callable[[EntryVerdict], bool]
) -> tuple[list[EntryVerdict], list[EntryVerdict]]:
    """The wanted ones, and the others."""
    parts: tuple[list[EntryVerdict], list[EntryVerdict]] = ([], [])
    for each in verdicts:
        parts[not is_wanted(each)].append(each)
    return parts
