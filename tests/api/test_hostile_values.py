"""Invalid values, long lines and deep nesting: each is refused, and nothing is stored."""

import json

import pytest

from tests.api.conftest import TUTORIAL_ENTRY, Upload
from tests.api.hostile_bodies import (
    CSV,
    HEADER,
    JSON,
    MEBIBYTE,
    NDJSON,
    ONE_BODY,
    every_format,
    is_refused,
)
from tests.kit.processes import run_python
from timesheets.models import Timesheet

# Invalid values


def put_value(name: str, text: bytes) -> bytes:
    """The tutorial's entry with a member's value as raw JSON."""
    return json.dumps({**TUTORIAL_ENTRY, name: "@"}).encode().replace(b'"@"', text)


every_json = pytest.mark.parametrize(
    ("media_type", "wrap"),
    [
        pytest.param(JSON, b"%s", id="one"),
        pytest.param(JSON, b"[%s]", id="array"),
        pytest.param(NDJSON, b"%s\n", id="ndjson"),
    ],
)


@every_json
@pytest.mark.parametrize(
    "number",
    [
        "1e400",
        "-1e400",
        "1e-400",
        "1e99999999999999999999",
        "-1e99999999999999999999",
        "1e-99999999999999999999",
        "0e99999999999999999999",
        pytest.param("1" * 5000, id="5000-digits"),
        pytest.param("5." + "0" * 5000 + "1", id="5000-decimals"),
        "NaN",
        "Infinity",
        "-Infinity",
        '"NaN"',
        '"sNaN"',
        '"Infinity"',
        "-0",
        "0.000",
        "-5",
        "+5",
        "05",
        "5.",
        ".5",
        "0x5",
        "1_0",
        '"1_0"',
        "٥",
        '"٥"',
        '"５"',
        '"²"',
        '"5e0"',
        '"+5"',
        '"5 "',
        '"5\\u0000"',
        "true",
        "null",
        "{}",
        "[5]",
    ],
)
def test_invalid_hours_are_refused(upload: Upload, media_type: str, wrap: bytes, number: str) -> None:
    response = upload(wrap % put_value("hours", number.encode()), content_type=media_type)

    assert is_refused(response)
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize(
    "cell",
    ["1e400", "1e1", "1" * 5000, "NaN", "Infinity", "-5", "+5", "5.", ".5", "1_0", "٥", "²", "5 ", "5\0", ""],
)
def test_invalid_hours_in_a_row_are_refused(upload: Upload, cell: str) -> None:
    response = upload(HEADER + f"007,2017-05-10,StoreZero,{cell}\n".encode(), content_type=CSV)

    assert is_refused(response)


@every_json
@pytest.mark.parametrize("name", ["user_id", "project", "date", "entry_id"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'"a\\u0000b"', id="escaped-nul"),
        pytest.param(b'"a\x00b"', id="nul"),
        pytest.param(rb'"\ud800"', id="escaped-high-surrogate"),
        pytest.param(rb'"\udc00\ud800"', id="escaped-surrogates-in-the-wrong-order"),
        pytest.param(b'"\xed\xa0\x80"', id="encoded-surrogate"),
        pytest.param(b'"\xed\xa0\xbd\xed\xb8\x80"', id="encoded-surrogate-pair"),
        pytest.param(b'"\xff"', id="not-utf-8"),
        pytest.param(b'"\xc0\x80"', id="overlong-nul"),
        pytest.param(b'"\xf4\x90\x80\x80"', id="beyond-unicode"),
        pytest.param(b'"a\tb"', id="bare-tab"),
        pytest.param(b'"a\\u001bb"', id="escape-character"),
        pytest.param(b'"a\\x41"', id="no-json-escape"),
        pytest.param(b"'a'", id="single-quotes"),
        pytest.param(b'["a"]', id="list"),
        pytest.param(b'{"__proto__":{}}', id="object"),
        pytest.param(b'"1"+"2"', id="expression"),
        pytest.param(b'"a" /* */', id="comment"),
    ],
)
def test_invalid_text_is_refused(
    upload: Upload, media_type: str, wrap: bytes, name: str, text: bytes
) -> None:
    response = upload(wrap % put_value(name, text), content_type=media_type)

    assert is_refused(response)
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize(
    "cell", [b"a\x00b", b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b'"a\tb"', b"a\x85b", b"\x1bb"]
)
def test_invalid_text_in_a_row_is_refused(upload: Upload, cell: bytes) -> None:
    assert is_refused(upload(HEADER + b"007,2017-05-10,%s,5\n" % cell, content_type=CSV))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@every_format
def test_other_text_encodings_store_nothing(
    upload: Upload, media_type: str, body: bytes, encoding: str
) -> None:
    assert is_refused(upload(body.decode().encode(encoding), content_type=media_type))
    assert not Timesheet.objects.exists()


@every_json
@pytest.mark.parametrize("name", list(TUTORIAL_ENTRY))
def test_a_repeated_member_is_refused(upload: Upload, media_type: str, wrap: bytes, name: str) -> None:
    again = b',"%s":%s}' % (name.encode(), json.dumps(TUTORIAL_ENTRY[name]).encode())

    response = upload(wrap % (ONE_BODY[:-1] + again), content_type=media_type)

    assert is_refused(response)
    assert "This member is repeated." in response.text


@every_json
def test_a_repeated_member_with_an_escaped_name_is_refused(
    upload: Upload, media_type: str, wrap: bytes
) -> None:
    response = upload(wrap % (ONE_BODY[:-1] + rb',"h\u006furs":5}'), content_type=media_type)

    assert is_refused(response)


# Long lines and deep nesting


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        pytest.param(JSON, put_value("project", b'"%s"' % (b"x" * MEBIBYTE)), id="one"),
        pytest.param(JSON, b"[%s]" % put_value("project", b'"%s"' % (b"x" * MEBIBYTE)), id="array"),
        pytest.param(NDJSON, put_value("project", b'"%s"' % (b"x" * MEBIBYTE)), id="ndjson"),
        pytest.param(CSV, HEADER + b"007,2017-05-10,%s,5\n" % (b"x" * MEBIBYTE), id="csv"),
        pytest.param(CSV, HEADER + b'007,2017-05-10,"%s",5\n' % (b"x" * MEBIBYTE), id="csv-in-quotes"),
        pytest.param(CSV, b"x" * MEBIBYTE, id="csv-header"),
        pytest.param(JSON, put_value("x" * MEBIBYTE, b"1"), id="name"),
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
every_deep_body = pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in DEEP_BODIES])


@every_deep_body
def test_a_hundred_thousand_levels_are_refused(upload: Upload, name: str) -> None:
    media_type, body = DEEP_BODIES[name]

    response = upload(body, content_type=media_type)

    assert is_refused(response)
    assert "levels" in response.text


PARSE_ON_A_SMALL_STACK = """
import io, sys, threading

import django

django.setup()
from tests.api.test_hostile_values import DEEP_BODIES
from timesheets.exceptions import MalformedBody
from timesheets.parsers import JSONParser, NDJSONParser, MalformedEntry

media_type, body = DEEP_BODIES[sys.argv[1]]

def parse():
    parser = JSONParser() if media_type == JSONParser.media_type else NDJSONParser()
    try:
        [entry] = parser.parse(io.BytesIO(body)).entries
    except MalformedBody:
        print("refused")
    else:
        print("refused" if isinstance(entry, MalformedEntry) else "accepted")

threading.stack_size(256 * 1024)
thread = threading.Thread(target=parse)
thread.start()
thread.join()
"""


@every_deep_body
def test_a_hundred_thousand_levels_do_not_overflow_a_small_stack(name: str) -> None:
    # A stack overflow would end the process of the tests.
    run = run_python("-c", PARSE_ON_A_SMALL_STACK, name, DJANGO_SETTINGS_MODULE="tests.settings_server")

    assert (run.returncode, run.stdout) == (0, "refused\n"), run.stderr
