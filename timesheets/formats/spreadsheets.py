"""Write CSV for spreadsheets, so that they do not run cells as formulas."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

# Where a cell begins, for a spreadsheet whose separator is `;` or a tab, too: it splits our cells.
_START = r"(^|[;\t\r\n])"
# Characters that begin a formula (OWASP, "CSV Injection"), with their full-width forms, which Excel runs.
# Apostrophes count too, so that the one that is added can be told from those of the value.
_FORMULA = r"(?=[ '\"]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
_START_OF_FORMULA = re.compile(_START + _FORMULA)
# Most cells. To substitute nothing in them would take three times as long. A negative number is no formula.
_PLAIN = re.compile(r"(?:\w[^;\t\r\n]*|-[0-9]+\.[0-9]+)?\Z")
# One piece of text per row would be slow to send.
_ROWS_PER_PIECE = 500


def write_csv(header: Sequence[str], rows: Iterable[Iterable[object]], zone: tzinfo) -> Iterator[str]:
    """RFC 4180 CSV in pieces of text, with an apostrophe before what looks like a formula.

    It is before the cell, and in the cell after what may separate cells. Without the first apostrophe in each
    of these places, a value is as it was.

    It begins with a byte order mark, because Excel recognizes UTF-8 only by this mark.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer.writerow(header)
    for count, row in enumerate(rows, start=1):
        writer.writerow([_write_cell(value, zone) for value in row])
        if count % _ROWS_PER_PIECE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _write_cell(value: object, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    text = "" if value is None else str(value)
    return text if _PLAIN.match(text) else _START_OF_FORMULA.sub(r"\1'", text)
