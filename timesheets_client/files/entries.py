"""Take the entries that can be sent from a file."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice

from timesheets_client.arguments import Options
from timesheets_client.errors import WrongUsage
from timesheets_client.files.control_totals import check_totals
from timesheets_client.files.tally import Tally
from timesheets_client.reading.entries import InputEntry, InputWarning, SkippedRow, encode_value
from timesheets_client.reading.identity import (
    EntryIds,
    Occurrences,
    digest_content,
    require_own_id,
    strip_text,
)
from timesheets_client.reading.inputs import read_entries
from timesheets_client.sending.corrections import ignore_revision
from timesheets_client.sending.verdicts import REPEATED_ID
from timesheets_files.members import ENTRY_ID

# As many as a batch has by default.
MAX_WITHOUT_ID = 1_000


def take_entries(tally: Tally, options: Options) -> Generator[InputEntry]:
    """The entries that can be sent, with their ids. Counts all entries and rejects the others.

    Raises EntriesRejected before the first one.
    """
    ids = EntryIds() if options.derives_ids and not options.is_correction else None
    if options.ignores_revisions:
        tally.changes["corrected"] = 0
    tally.skipped = 0 if options.entry_map else None
    # The reader must release the file before the caller closes the file.
    with (
        check_totals(tally.source, options) as source,
        closing(read_entries(source, options.format, options)) as read,
    ):
        for each in read:
            if isinstance(each, InputWarning):
                tally.report.show_problem(each.describe())
                tally.is_suspicious = True
                continue
            if isinstance(each, SkippedRow):
                tally.skip(each)
                continue
            tally.entries += 1
            item = ignore_revision(each) if options.ignores_revisions else require_own_id(each)
            if isinstance(item, InputEntry):
                yield ids.identify(item) if ids else item
            else:
                tally.reject(ids.identify_rejected(item) if ids else item)


def require_ids(entries: Iterable[InputEntry], name: str) -> Iterator[InputEntry]:
    """The same entries. Raises WrongUsage if none of the first thousand has an `entry_id`."""
    rest = iter(entries)
    first = list(islice(rest, MAX_WITHOUT_ID))
    if first and all(each.members.get(ENTRY_ID) is None for each in first):
        raise WrongUsage(
            f"{name}: --correct needs the entry_id that each entry was stored with; add the column entry_id; "
            "nothing was sent"
        )
    return chain(first, rest)


def reject_repeated(entries: Iterable[InputEntry], tally: Tally) -> Iterator[InputEntry]:
    """The entries without those that have the `entry_id` of an earlier one, because only one can be right."""
    occurrences = Occurrences()
    for entry in entries:
        entry_id = strip_text(entry.members.get(ENTRY_ID))
        if entry_id is not None and occurrences.count(digest_content(encode_value(entry_id).encode())):
            tally.reject(entry.reject({ENTRY_ID: [REPEATED_ID]}))
        else:
            yield entry
