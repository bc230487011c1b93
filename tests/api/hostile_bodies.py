"""Small bodies in each format, to truncate, damage and vary, and what the tests read from responses."""

import json

import pytest

from tests.api.conftest import TUTORIAL_ENTRY
from tests.kit.django_client import ClientResponse

MEBIBYTE = 1024 * 1024
SIXTEEN_MEBIBYTES = 16 * MEBIBYTE

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
HEADER = b"user_id,date,project,hours\n"
LINES = [json.dumps({**TUTORIAL_ENTRY, "project": f"Store {number}"}).encode() for number in range(3)]
ROWS = [b"007,2017-05-10T17:40:20.095Z,Store %d,12\n" % number for number in range(3)]

ONE_BODY = LINES[0]
ARRAY_BODY = b"[" + b", ".join(LINES) + b"]"
NDJSON_BODY = b"\n".join(LINES) + b"\n"
CSV_BODY = HEADER + b"".join(ROWS)

every_format = pytest.mark.parametrize(
    ("media_type", "body"),
    [
        pytest.param(JSON, ONE_BODY, id="one"),
        pytest.param(JSON, ARRAY_BODY, id="array"),
        pytest.param(NDJSON, NDJSON_BODY, id="ndjson"),
        pytest.param(CSV, CSV_BODY, id="csv"),
    ],
)


def is_refused(response: ClientResponse) -> bool:
    """True if the whole upload was refused, or each of its entries."""
    if response.status_code != 207:
        return response.status_code in {400, 413, 422}
    body = response.json()
    return bool(body["created"] == body["existing"] == 0 < body["rejected"])
