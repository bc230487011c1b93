"""The formats of a batch, and fragments of them."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

BOM = b"\xef\xbb\xbf"
HEADER = b"user_id,date,project,hours\n"
ROW = b"007,2017-05-10T17:40:20.095Z,StoreZero,5\n"


def write_ndjson(entries: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def write_csv(entries: Sequence[dict[str, Any]]) -> bytes:
    rows = io.StringIO()
    optional = [name for name in ("revision", "reason") if any(name in entry for entry in entries)]
    columns = ["user_id", "date", "project", "hours", "entry_id", *optional]
    writer = csv.DictWriter(rows, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(entries)
    return rows.getvalue().encode()


@dataclass(frozen=True)
class Format:
    media_type: str
    write: Callable[[Sequence[dict[str, Any]]], bytes]
    # The line of the first entry; None in a format without lines.
    first_line: int | None = None

    def locate(self, index: int) -> dict[str, int]:
        """What a response says about the place of a rejected entry, if each entry has one line."""
        return (
            {"index": index} if self.first_line is None else {"index": index, "line": self.first_line + index}
        )


ARRAY = Format("application/json", lambda entries: json.dumps(entries).encode())
NDJSON = Format("application/x-ndjson", write_ndjson, 1)
CSV = Format("text/csv", write_csv, 2)

every_format = pytest.mark.parametrize(
    "batch_format",
    [pytest.param(ARRAY, id="array"), pytest.param(NDJSON, id="ndjson"), pytest.param(CSV, id="csv")],
)
