"""Lay out text in columns that fit the terminal."""

import shutil
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from timesheets_client.printable import escape

# Without a terminal.
DEFAULT_SIZE = (80, 24)
MIN_WIDTH = 12
GAP = "  "
CUT = "..."


def format_table(
    rows: Sequence[Mapping[str, str]],
    right: Collection[str] = (),
    cut_first: Collection[str] = (),
    drop_first: str = "",
) -> list[str]:
    """A line with the names of the columns, and one per row. Texts are escaped, and cut until a line fits.

    The columns in `right` are aligned to the right, and cut on the left. `drop_first` is cut, or left out,
    before any other column, and then those in `cut_first`.
    """
    limit = max(2 * MIN_WIDTH, shutil.get_terminal_size(DEFAULT_SIZE).columns)
    columns = {
        name: [
            show(text, limit, from_end=name in right) for text in (name, *(row.get(name, "") for row in rows))
        ]
        for name in dict.fromkeys(name for row in rows for name in row)
    }
    widths = {name: max(map(measure, column)) for name, column in columns.items()}
    shrink(widths, limit, cut_first, drop_first)
    aligned = [
        [align(text, width, to_right=name in right) for text in columns[name]]
        for name, width in widths.items()
    ]
    return [(GAP + GAP.join(line)).rstrip() for line in zip(*aligned, strict=True)]


def show(text: str, limit: int, *, from_end: bool) -> str:
    # What is longer is cut anyway.
    return escape(text[-limit:] if from_end else text[:limit])


def shrink(widths: dict[str, int], limit: int, cut_first: Collection[str], drop_first: str) -> None:
    """Reduce the widest of the first columns, then the widest of all, until all columns fit."""
    while (excess := sum(widths.values()) + len(GAP) * len(widths) - limit) > 0:
        if drop_first in widths:
            widths[drop_first] -= excess
            if widths[drop_first] < MIN_WIDTH:
                del widths[drop_first]
            continue
        names = [name for name in cut_first if widths.get(name, 0) > MIN_WIDTH] or list(widths)
        widths[max(names, key=widths.__getitem__)] -= 1


def align(text: str, width: int, *, to_right: bool) -> str:
    if measure(text) > width:
        while measure(text) > max(0, width - len(CUT)):
            text = text[1:] if to_right else text[:-1]
        text = CUT + text if to_right else text + CUT
    padding = " " * (width - measure(text))
    return padding + text if to_right else text + padding


def measure(text: str) -> int:
    """The number of columns on a terminal: East Asian characters take two, and combining ones none."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
