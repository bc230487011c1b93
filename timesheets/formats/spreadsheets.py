"""Write CSV for spreadsheets, so that they do not run cells as formulas."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# Characters that begin a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
# One piece of text per row would be slow to send.
_ROWS_PER_PIECE = 500


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """RFC 4180 CSV in pieces of text, with an apostrophe before each cell that looks like a formula.

    It begins with a byte order mark, because Excel recognizes UTF-8 only by this mark.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer.writerow(header)
    for count, row in enumerate(rows, start=1):
        writer.writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in row])
        if count % _ROWS_PER_PIECE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
