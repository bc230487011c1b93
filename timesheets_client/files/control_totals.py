"""Compare a whole file with the totals that the command line announces, before anything of it is sent."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation

from timesheets_client.arguments import Options
from timesheets_client.errors import EntriesRejected
from timesheets_client.reading.entries import InputItem, InputWarning, Members, SkippedRow
from timesheets_client.reading.inputs import Input, may_be_in_doubt, open_repeatable, read_entries
from timesheets_files.members import Malformed
from timesheets_files.rows import read_decimal

# Hours have at most 50 digits before the point and 50 after it, so that no sum of them is rounded.
READABLE = Context(prec=100, traps=[Inexact, InvalidOperation])
SMALLEST = Decimal("1e-50")
EXACT = Context(prec=150)


@dataclass(kw_only=True, slots=True)
class Totals:
    """`unreadable` counts the entries whose hours are not part of `hours`."""

    entries: int = 0
    hours: Decimal = Decimal(0)
    unreadable: int = 0

    def count(self, hours: Decimal | None) -> None:
        """Count an entry with these hours, or with hours that cannot be read."""
        self.entries += 1
        if hours is None:
            self.unreadable += 1
        else:
            self.hours = EXACT.add(self.hours, hours)


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
            require_totals(total(items), options, source.name)
        repeatable.file.seek(0)
        yield repeatable


def total(items: Iterable[InputItem]) -> Totals:
    totals = Totals()
    for item in items:
        if not isinstance(item, InputWarning | SkippedRow):
            totals.count(find_hours(item.members))
    return totals


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


def require_totals(found: Totals, options: Options, name: str) -> None:
    entries, hours = options.expected_entries, options.expected_hours
    if entries in (None, found.entries) and hours in (None, found.hours):
        return
    missing = f" without {found.unreadable} that cannot be read" if found.unreadable else ""
    raise EntriesRejected(
        f"{name}: nothing of it was sent, because its totals differ: "
        f"entries: {describe_expected(entries)}found {found.entries}; "
        f"hours: {describe_expected(hours)}found {show(found.hours)}{missing}; "
        "ask for the complete file, or correct --expect-entries and --expect-hours"
    )


def describe_expected(number: int | Decimal | None) -> str:
    return "" if number is None else f"expected {show(Decimal(number))}, "


def show(number: Decimal) -> str:
    """Without an exponent or trailing zeros."""
    return f"{EXACT.normalize(number):f}"
