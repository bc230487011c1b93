"""Take the entries that can be sent from a file, if it has the totals that the command line announces."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation

from timesheets_client.arguments import Options
from timesheets_client.errors import EntriesRejected
from timesheets_client.files.tally import Tally
from timesheets_client.reading.entries import (
    InputEntry,
    InputItem,
    InputWarning,
    Members,
    SkippedRow,
    ignore_revision,
)
from timesheets_client.reading.identity import EntryIds, require_own_id
from timesheets_client.reading.inputs import Input, may_be_in_doubt, open_repeatable, read_entries
from timesheets_files.members import Malformed
from timesheets_files.rows import read_decimal

# Hours have at most 50 digits before the point and 50 after it, so that no sum of them is rounded.
READABLE = Context(prec=100, traps=[Inexact, InvalidOperation])
SMALLEST = Decimal("1e-50")
EXACT = Context(prec=150)


@dataclass(kw_only=True, slots=True)
class Totals:
    """`unreadable` counts the entries whose hours are not part of `hours`. `first` is one of the sources."""

    entries: int = 0
    hours: Decimal = Decimal(0)
    unreadable: int = 0
    first: str = ""

    def count(self, hours: Decimal | None) -> None:
        """Count an entry with these hours, or with hours that cannot be read."""
        self.entries += 1
        if hours is None:
            self.unreadable += 1
        else:
            self.hours = EXACT.add(self.hours, hours)


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
            elif isinstance(each, SkippedRow):
                tally.skip(each)
            else:
                tally.entries += 1
                item = ignore_revision(each) if options.ignores_revisions else require_own_id(each)
                if isinstance(item, InputEntry):
                    yield ids.identify(item) if ids else item
                else:
                    tally.reject(ids.identify_rejected(item) if ids else item)


@contextmanager
def check_totals(source: Input, options: Options) -> Iterator[Input]:
    """The input, to be read from its beginning, if the options announce no other totals than it has.

    A table is read once before, so that nothing is sent if the order of day and month is in doubt.
    Raises EntriesRejected, and what reading it raises.
    """
    is_expected = (options.expected_entries, options.expected_hours) != (None, None)
    if not (is_expected or options.entry_map or may_be_in_doubt(source, options.format, options)):
        yield source
        return
    with open_repeatable(source) as repeatable:
        with closing(read_entries(repeatable, options.format, options)) as items:
            require_totals(items, options, source.name)
        repeatable.file.seek(0)
        yield repeatable


def require_totals(items: Iterable[InputItem], options: Options, name: str) -> None:
    found = Totals()
    for item in items:
        if not isinstance(item, InputWarning | SkippedRow):
            found.count(find_hours(item.members))
    entries, hours = options.expected_entries, options.expected_hours
    if entries in (None, found.entries) and hours in (None, found.hours):
        return
    expected = "" if entries is None else f"entries: expected {entries}, found {found.entries}; "
    if hours is not None:
        missing = f" without {found.unreadable} that cannot be read" if found.unreadable else ""
        expected += f"hours: expected {show(hours)}, found {show(found.hours)}{missing}; "
    raise EntriesRejected(
        f"{name}: nothing of it was sent, because its totals differ: {expected}"
        "ask for the complete file, or correct --expect-entries and --expect-hours"
    )


def find_hours(members: Members) -> Decimal | None:
    """The hours, if they are a number that can be added without rounding; the API decides about the rest."""
    hours = members.get("hours")
    try:
        number = read_decimal(hours) if isinstance(hours, str) else hours
        if isinstance(number, Decimal):
            READABLE.quantize(number, SMALLEST)
            return number
    except (Malformed, DecimalException):
        pass
    return None


def show(number: Decimal) -> str:
    """Without an exponent or trailing zeros."""
    return f"{EXACT.normalize(number):f}"
