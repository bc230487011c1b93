"""Other encodings, long lines and deep nesting: each is refused, and nothing is stored."""

import json

import pytest

from tests.api.conftest import TUTORIAL_ENTRY, Upload
from tests.api.hostile_bodies import CSV, HEADER, JSON, MEBIBYTE, NDJSON, every_format, is_refused
from tests.kit.processes import run_python
from timesheets.models import Timesheet


def put_value(name: str, text: bytes) -> bytes:
    """The tutorial's entry with a member's value as raw JSON."""
    return json.dumps({**TUTORIAL_ENTRY, name: "@"}).encode().replace(b'"@"', text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@every_format
def test_other_encodings_store_nothing(upload: Upload, media_type: str, body: bytes, encoding: str) -> None:
    assert is_refused(upload(body.decode().encode(encoding), content_type=media_type))
    assert not Timesheet.objects.exists()


# Long lines and deep nesting


LONG = b"x" * MEBIBYTE


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        pytest.param(JSON, put_value("project", b'"%s"' % LONG), id="one"),
        pytest.param(JSON, b"[%s]" % put_value("project", b'"%s"' % LONG), id="array"),
        pytest.param(NDJSON, put_value("project", b'"%s"' % LONG), id="ndjson"),
        pytest.param(CSV, HEADER + b"007,2017-05-10,%s,5\n" % LONG, id="csv"),
        pytest.param(CSV, HEADER + b'007,2017-05-10,"%s",5\n' % LONG, id="csv-in-quotes"),
        pytest.param(CSV, LONG, id="csv-header"),
        pytest.param(JSON, put_value(LONG.decode(), b"1"), id="name"),
    ],
)
def test_a_megabyte_in_one_line_gets_a_short_refusal(upload: Upload, media_type: str, body: bytes) -> None:
    response = upload(body, content_type=media_type)

    assert is_refused(response)
    assert len(response.content) < 1000
    assert not Timesheet.objects.exists()


DEPTH = 100_000
DEEP_BODIES = {
    "array": (JSON, b"[" * DEPTH + b"]" * DEPTH),
    "open-array": (JSON, b"[" * DEPTH),
    "array-in-an-array": (JSON, b"[{}," + b"[" * DEPTH + b"]" * DEPTH + b"]"),
    "object": (JSON, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH),
    "object-in-a-list": (JSON, b'[{"a":' * DEPTH + b"1" + b"}]" * DEPTH),
    "line": (NDJSON, b"[" * DEPTH + b"]" * DEPTH),
    "line-of-objects": (NDJSON, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH),
}


PARSE_ON_A_SMALL_STACK = """
import threading

import django

django.setup()
from tests.api.test_hostile_values import DEEP_BODIES
from timesheets.exceptions import MalformedBody
from timesheets.parsers import MalformedEntry, read_json, read_ndjson

def parse(name):
    media_type, body = DEEP_BODIES[name]
    read = read_json if media_type == "application/json" else read_ndjson
    try:
        [entry] = read(body).entries
    except MalformedBody:
        print(name, "refused")
    else:
        print(name, "refused" if isinstance(entry, MalformedEntry) else "accepted")

threading.stack_size(256 * 1024)
for name in DEEP_BODIES:
    thread = threading.Thread(target=parse, args=[name])
    thread.start()
    thread.join()
"""


def test_a_hundred_thousand_levels_do_not_overflow_a_small_stack() -> None:
    # A stack overflow would end the process of the tests.
    run = run_python("-c", PARSE_ON_A_SMALL_STACK, DJANGO_SETTINGS_MODULE="tests.settings_server")

    assert (run.returncode, run.stdout.splitlines()) == (0, [f"{name} refused" for name in DEEP_BODIES]), (
        run.stderr
    )
