"""Rows as CSV for people who open it in a spreadsheet, which takes no cell for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
# So many rows are written into one piece of text: one for each would be slow to send.
_ROWS_A_PIECE = 500


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """CSV of RFC 4180 in pieces of text, with an apostrophe before what a spreadsheet would run.

    It begins with a byte order mark, without which Excel does not take a file for UTF-8.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer.writerow(header)
    for count, row in enumerate(rows, start=1):
        writer.writerow([_neutralize(cell) for cell in row])
        if count % _ROWS_A_PIECE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _neutralize(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
