"""Take the entries that can be corrected from a file."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from timesheets_client.errors import WrongUsage
from timesheets_client.files.tally import Tally
from timesheets_client.reading.entries import InputEntry
from timesheets_client.reading.identity import Occurrences, digest_content, strip_text
from timesheets_client.reading.json_values import encode_value
from timesheets_client.sending.verdicts import REPEATED_ID
from timesheets_files.members import ENTRY_ID

# As many as a batch has by default.
MAX_WITHOUT_ID = 1_000


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
