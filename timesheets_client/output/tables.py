"""Lay out text in columns that fit 80 characters."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence

from timesheets_client.printable import escape

MAX_WIDTH = 80
MIN_WIDTH = 12
GAP = "  "
CUT = "..."


def format_table(
    rows: Sequence[Mapping[str, str]], right: Collection[str] = (), cut_first: Collection[str] = ()
) -> list[str]:
    """A line with the names of the columns, and one per row. Texts are escaped, and cut until a line fits.

    The columns in `right` are aligned to the right, and cut on the left. Those in `cut_first` are cut first.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [
        [show(text, from_end=name in right) for text in (name, *(row.get(name, "") for row in rows))]
        for name in names
    ]
    widths = [max(map(measure, column)) for column in columns]
    shrink(widths, [place for place, name in enumerate(names) if name in cut_first])
    aligned = [
        [align(text, width, to_right=name in right) for text in column]
        for name, column, width in zip(names, columns, widths, strict=True)
    ]
    return [(GAP + GAP.join(line)).rstrip() for line in zip(*aligned, strict=True)]


def show(text: str, *, from_end: bool) -> str:
    # What is longer is cut anyway.
    return escape(text[-MAX_WIDTH:] if from_end else text[:MAX_WIDTH])


def shrink(widths: list[int], first: Sequence[int]) -> None:
    """Reduce the widest of the first columns, then the widest of all, until all columns fit."""
    while sum(widths) + len(GAP) * len(widths) > MAX_WIDTH:
        places = [place for place in first if widths[place] > MIN_WIDTH] or range(len(widths))
        widths[max(places, key=widths.__getitem__)] -= 1


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
