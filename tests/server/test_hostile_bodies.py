"""Truncated, damaged and large bodies: each is refused, and nothing is stored."""

import gzip
import io
import json
import os
import re
import socket
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.http import HttpResponse
from django.test import RequestFactory

from tests.issuer import Issuer
from tests.processes import GranianServer, run_python
from tests.server.conftest import TUTORIAL_ENTRY, Upload, status_and_code
from timesheets.models import Timesheet
from timesheets.uploads.body import open_body
from timesheets.uploads.concurrency import LARGE_BODY_SLOTS, MAX_SMALL_BODY_BYTES

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


def is_refused(response: HttpResponse) -> bool:
    """True if the whole upload was refused, or each of its entries."""
    if response.status_code != 207:
        return response.status_code in {400, 413, 422}
    answer = response.json()
    return answer["created"] == answer["existing"] == 0 < answer["rejected"]


def upload_with_length(upload: Upload, body: bytes, media_type: str, **more: Any) -> HttpResponse:
    """Post a body that may be empty. Django's test client then sends neither length nor type."""
    declared = {"CONTENT_TYPE": media_type, "CONTENT_LENGTH": str(len(body)), **more}
    return upload(body, content_type=media_type, **declared)


def stored_projects() -> list[str]:
    return list(Timesheet.objects.order_by("id").values_list("project", flat=True))


# Truncated bodies


@every_format
def test_a_truncated_body_stores_nothing(upload: Upload, media_type: str, body: bytes) -> None:
    for length in range(len(body)):
        response = upload(body, content_type=media_type, **{"wsgi.input": io.BytesIO(body[:length])})

        assert status_and_code(response) == (400, "incomplete_body"), body[:length]
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("body", [pytest.param(ONE_BODY, id="one"), pytest.param(ARRAY_BODY, id="array")])
def test_json_that_was_truncated_before_sending_is_malformed(upload: Upload, body: bytes) -> None:
    for length in range(len(body)):
        response = upload_with_length(upload, body[:length], JSON)

        assert status_and_code(response) == (400, "malformed_body"), body[:length]
    assert not Timesheet.objects.exists()


def test_whole_lines_of_truncated_ndjson_are_stored(upload: Upload) -> None:
    for length in range(len(NDJSON_BODY)):
        sent = NDJSON_BODY[:length]

        answer = upload_with_length(upload, sent, NDJSON).json()

        whole = sent.count(b"}")
        assert answer["created"] == whole
        assert answer["received"] - whole == answer["rejected"] <= 1
        assert stored_projects() == ["Store 0", "Store 1", "Store 2"][:whole]
        Timesheet.objects.all().delete()


def test_whole_rows_of_truncated_csv_are_stored(upload: Upload) -> None:
    for length in range(len(HEADER), len(CSV_BODY)):
        sent = CSV_BODY[:length]

        answer = upload_with_length(upload, sent, CSV).json()

        # CSV cannot distinguish a truncated last row from a whole one. Content-Length can.
        whole = sent.count(b"\n") - 1
        assert stored_projects()[:whole] == ["Store 0", "Store 1", "Store 2"][:whole]
        assert whole <= answer["created"] <= answer["received"] <= whole + 1
        Timesheet.objects.all().delete()


def test_a_truncated_csv_header_is_malformed(upload: Upload) -> None:
    for length in range(len(HEADER) - len("hours\n")):
        response = upload_with_length(upload, HEADER[:length], CSV)

        assert status_and_code(response) == (400, "malformed_header")


@every_format
def test_truncated_gzip_stores_nothing(upload: Upload, media_type: str, body: bytes) -> None:
    zipped = gzip.compress(body)
    for length in range(1, len(zipped)):
        response = upload(zipped[:length], content_type=media_type, headers={"Content-Encoding": "gzip"})

        assert status_and_code(response) == (400, "malformed_body")
    assert not Timesheet.objects.exists()


def test_an_empty_body_is_not_gzip(upload: Upload) -> None:
    response = upload_with_length(upload, b"", NDJSON, headers={"Content-Encoding": "gzip"})

    assert status_and_code(response) == (400, "malformed_body")


class BrokenStream(io.BytesIO):
    """A body whose connection is lost."""

    def read(self, *args: object) -> bytes:
        raise ConnectionResetError


def test_a_lost_connection_stores_nothing(upload: Upload) -> None:
    response = upload(ONE_BODY, **{"wsgi.input": BrokenStream()})

    assert status_and_code(response) == (400, "incomplete_body")


@pytest.mark.parametrize(
    "length", ["", "abc", "-1", "+500", " 500", "500 ", "5_00", "5e2", "0x1f4", "500.0", "500, 500", "٥٠٠"]
)
@every_format
def test_a_length_that_is_not_a_number_is_refused(
    upload: Upload, media_type: str, body: bytes, length: str
) -> None:
    response = upload(body, content_type=media_type, CONTENT_LENGTH=length)

    assert status_and_code(response) == (411, "length_required")
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("length", ["8388609", "9" * 18])
def test_a_length_over_the_limit_is_refused_without_reading_the_body(upload: Upload, length: str) -> None:
    response = upload(ONE_BODY, CONTENT_LENGTH=length, **{"wsgi.input": BrokenStream()})

    assert status_and_code(response) == (413, "too_large")


def test_bytes_beyond_content_length_are_not_part_of_the_body(upload: Upload) -> None:
    response = upload(ONE_BODY + b"garbage", CONTENT_LENGTH=str(len(ONE_BODY)))

    assert response.status_code == 201


# Damaged gzip


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda zipped: zipped + b"\n", id="newline-behind"),
        pytest.param(lambda zipped: zipped + ONE_BODY, id="text-behind"),
        pytest.param(lambda zipped: zipped + b"\x1f\x8b", id="half-a-member-behind"),
        pytest.param(lambda zipped: b"\n" + zipped, id="newline-before"),
        pytest.param(lambda zipped: zipped[:-8] + bytes(4) + zipped[-4:], id="wrong-checksum"),
        pytest.param(lambda zipped: zipped[:-4] + bytes(4), id="wrong-size"),
        pytest.param(lambda zipped: zipped[:20] + b"\xff\xff\xff" + zipped[23:], id="damaged-within"),
        pytest.param(lambda zipped: gzip.compress(zipped), id="twice"),
        pytest.param(lambda zipped: gzip.decompress(zipped), id="not-at-all"),
        pytest.param(lambda zipped: zlib.compress(gzip.decompress(zipped)), id="zlib"),
    ],
)
@pytest.mark.parametrize("body", [pytest.param(ONE_BODY, id="one"), pytest.param(ARRAY_BODY, id="array")])
def test_damaged_gzip_stores_nothing(upload: Upload, body: bytes, damage: Callable[[bytes], bytes]) -> None:
    response = upload(damage(gzip.compress(body)), headers={"Content-Encoding": "gzip"})

    assert status_and_code(response) == (400, "malformed_body")
    assert not Timesheet.objects.exists()


def test_gzip_members_form_one_body_wherever_they_meet(upload: Upload) -> None:
    # gzip cannot shorten these lines, so the members and the steps of unzipping end at different places.
    lines = b"".join(b'"%s"\n' % os.urandom(100).hex().encode() for _ in range(3000))
    for size in (10_000, 70_001, 300_000, 606_000):
        members = [gzip.compress(lines[start : start + size]) for start in range(0, len(lines), size)]
        for padding in (b"", b"\0", bytes(70_000)):
            body = b"".join(member + padding for member in members)

            response = upload(body, content_type=NDJSON, headers={"Content-Encoding": "gzip"})

            assert response.status_code == 207
            assert response.json()["received"] == 3000


@pytest.mark.parametrize(("count", "status"), [(1000, 207), (1001, 400)])
def test_a_body_may_have_a_thousand_gzip_members(upload: Upload, count: int, status: int) -> None:
    response = upload(gzip.compress(b"") * count, content_type=NDJSON, headers={"Content-Encoding": "gzip"})

    assert response.status_code == status


# Slots for large bodies


LARGE_BODY = b" " * MAX_SMALL_BODY_BYTES + b"[]"
LARGEST_SMALL_BODY = LARGE_BODY[2:]


@contextmanager
def open_large_bodies(count: int) -> Iterator[None]:
    """Other requests, which the API is still parsing."""
    with ExitStack() as requests:
        for _ in range(count):
            request = RequestFactory().post("/timesheets/upload", LARGE_BODY, content_type=JSON)
            requests.enter_context(open_body(request, "payroll"))
        yield


@pytest.mark.parametrize(
    ("body", "encoding"),
    [pytest.param(LARGE_BODY, "", id="plain"), pytest.param(gzip.compress(LARGE_BODY), "gzip", id="gzip")],
)
def test_a_large_body_without_a_slot_is_overload(upload: Upload, body: bytes, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    with open_large_bodies(LARGE_BODY_SLOTS):
        response = upload(body, headers=headers)

    assert status_and_code(response) == (503, "overloaded")
    assert 1 <= int(response["Retry-After"]) <= 30
    assert status_and_code(upload(body, headers=headers)) == (207, "")


def test_a_large_body_gets_the_last_slot(upload: Upload) -> None:
    with open_large_bodies(LARGE_BODY_SLOTS - 1):
        assert status_and_code(upload(LARGE_BODY)) == (207, "")


def test_a_large_body_waits_for_a_slot(upload: Upload) -> None:
    with ExitStack() as others:
        others.enter_context(open_large_bodies(LARGE_BODY_SLOTS - 1))
        leaves = ExitStack()
        leaves.enter_context(open_large_bodies(1))
        timer = threading.Timer(0.5, leaves.close)
        timer.start()

        assert status_and_code(upload(LARGE_BODY)) == (207, "")
        timer.join()


@pytest.mark.parametrize("damage", [b"", b"not JSON", b"x" * 100])
def test_a_large_body_frees_its_slot_even_if_it_is_malformed(upload: Upload, damage: bytes) -> None:
    for _ in range(LARGE_BODY_SLOTS + 1):
        assert upload(LARGE_BODY + damage).status_code in {207, 400}
        zipped = gzip.compress(LARGE_BODY)[:-8] + damage
        assert status_and_code(upload(zipped, headers={"Content-Encoding": "gzip"})) == (
            400,
            "malformed_body",
        )


def test_a_small_body_needs_no_slot(upload: Upload) -> None:
    with open_large_bodies(LARGE_BODY_SLOTS):
        assert upload(ONE_BODY).status_code == 201
        assert status_and_code(upload(LARGEST_SMALL_BODY)) == (207, "")
        assert status_and_code(
            upload(gzip.compress(LARGEST_SMALL_BODY), headers={"Content-Encoding": "gzip"})
        ) == (207, "")


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
from tests.server.test_hostile_bodies import DEEP_BODIES
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
        print("refused" if isinstance(entry, MalformedEntry) else "taken")

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


# Bodies that try to exhaust memory or time


@dataclass(frozen=True)
class Target:
    """The production server with its database and its worker process."""

    server: GranianServer
    token: str
    database: Path
    process: Path

    def attack(self, body: bytes, media_type: str) -> tuple[requests.Response, int, float]:
        """The response, the worker's peak memory in MB, and its processor time in seconds."""
        (self.process / "clear_refs").write_text("5")  # Resets the peak (proc(5)).
        before = self._read_seconds_of_work()
        response = self._post(body, media_type, {"Content-Encoding": "gzip"})
        return response, self._read_peak_megabytes(), self._read_seconds_of_work() - before

    def is_alive(self) -> bool:
        return self._post(ONE_BODY, JSON, {}).status_code == 201

    def count_stored(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            [count] = connection.execute("SELECT COUNT(*) FROM timesheets_timesheet").fetchone()
        return int(count)

    def _post(self, body: bytes, media_type: str, headers: dict[str, str]) -> requests.Response:
        return requests.post(
            f"{self.server.url}/timesheets/upload",
            data=body,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": media_type, **headers},
            timeout=30,
        )

    def _read_peak_megabytes(self) -> int:
        [kibibytes] = re.findall(r"VmHWM:\s+(\d+) kB", (self.process / "status").read_text())
        return int(kibibytes) // 1024

    def _read_seconds_of_work(self) -> float:
        """Processor time, which does not depend on what else the machine does."""
        fields = (self.process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, issuer_process: Issuer) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("server")
    server = GranianServer(folder, issuer_process.url, workers=1)
    [line] = server.wait_for_log("Spawning worker", count=1)
    process = Path("/proc") / line.split()[-1]
    yield Target(server, issuer_process.mint(), folder / "db.sqlite3", process)
    server.close()


def fill(head: bytes, part: bytes, tail: bytes = b"") -> bytes:
    """Repeats a part up to 16 MiB, zipped."""
    count = (SIXTEEN_MEBIBYTES - len(head) - len(tail)) // len(part)
    return gzip.compress(head + part * count + tail, 1)


def make_bomb() -> bytes:
    """7 MiB that unzip to 7 GiB of zeros."""
    zipper = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(SIXTEEN_MEBIBYTES)
    first, again = (zipper.compress(zeros) + zipper.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (7 * MEBIBYTE // len(again))


def repeat_levels(opening: bytes, closing: bytes) -> bytes:
    """One entry with many values at the deepest permitted level."""
    return fill(b'{"a":[', opening * 30 + b"1" + closing * 30 + b",", b"1]}")


# With two statuses, the body exceeds two limits, and the API may find either first.
@pytest.mark.parametrize(
    ("media_type", "make_body", "statuses"),
    [
        pytest.param(JSON, make_bomb, {413}, id="bomb"),
        pytest.param(CSV, make_bomb, {413}, id="bomb-of-csv"),
        pytest.param(JSON, lambda: fill(b"[", b"[],", b"[]]"), {413}, id="empty-arrays"),
        pytest.param(JSON, lambda: fill(b"[", b"0,", b"0]"), {413}, id="numbers"),
        pytest.param(JSON, lambda: fill(b"[", b"{},", b"{}]"), {413}, id="empty-objects"),
        pytest.param(JSON, lambda: fill(b'{"a":[', b'"",', b'""]}'), {413}, id="strings-within-an-entry"),
        pytest.param(JSON, lambda: fill(b"{", b'"a":1,', b'"a":1}'), {413}, id="repeated-members"),
        pytest.param(NDJSON, lambda: gzip.compress(b"1\n" * 1_000_000), {413}, id="million-lines"),
        pytest.param(NDJSON, lambda: fill(b"", b"[{},[]]\n"), {413}, id="lines-of-values"),
        pytest.param(CSV, lambda: gzip.compress(HEADER + b"," * 1_000_000), {413}, id="million-cells"),
        pytest.param(CSV, lambda: fill(HEADER, b","), {413}, id="cells"),
        pytest.param(CSV, lambda: fill(b"", b"x,"), {413}, id="columns"),
        pytest.param(CSV, lambda: fill(HEADER, b"1\n"), {413}, id="rows"),
        pytest.param(CSV, lambda: fill(HEADER, b"\n"), {207, 413}, id="blank-rows"),
        pytest.param(CSV, lambda: fill(HEADER + b'"', b'""'), {207}, id="cell-of-quotes"),
        pytest.param(
            CSV,
            lambda: fill(HEADER + b'"', b'""', b'",5\n'),
            {207},
            id="closed-cell-of-quotes",
        ),
        pytest.param(
            CSV,
            lambda: gzip.compress(HEADER + b'"%s",Store"Zero,5\n' % (b"x" * MEBIBYTE)),
            {207},
            id="bare-quote-after-a-long-cell",
        ),
        # After these quotes, other readers take commas for text.
        pytest.param(CSV, lambda: fill(HEADER + b'x"', b","), {413}, id="cells-after-a-quote-in-a-cell"),
        pytest.param(CSV, lambda: fill(HEADER + b'"a"x,"b\n', b","), {413}, id="cells-after-a-malformed-row"),
        pytest.param(
            CSV, lambda: fill(HEADER + b'a\rb,"c\n', b","), {413}, id="cells-after-a-carriage-return"
        ),
        pytest.param(CSV, lambda: fill(HEADER, b",,,,,,,,,,,,,," + b'"\n"'), {413}, id="cells-of-many-lines"),
        pytest.param(CSV, lambda: fill(HEADER, b"%s\n" % (b"," * 600_000)), {207}, id="rows-of-many-cells"),
        pytest.param(NDJSON, lambda: fill(b'"\n[', b"[],", b"[]]"), {413}, id="values-after-an-open-string"),
        pytest.param(NDJSON, lambda: fill(b'"\\\\"\n[', b"[],", b"[]]"), {413}, id="values-after-an-escape"),
        pytest.param(JSON, lambda: fill(b'["', b",", b'"]'), {207}, id="string-of-commas"),
        pytest.param(JSON, lambda: fill(b'["', b',"",', b'"]'), {400, 413}, id="strings-beside-strings"),
        pytest.param(
            JSON, lambda: fill(b"[" + b"[" * 640_000, b'""'), {400, 413}, id="strings-without-commas"
        ),
        pytest.param(NDJSON, lambda: fill(b"", b"\n"), {207, 413}, id="blank-lines"),
        pytest.param(NDJSON, lambda: fill(b"", b"[" * 2000 + b"\n"), {207, 413}, id="deep-lines"),
        pytest.param(JSON, lambda: fill(b"", b"["), {400, 413}, id="opening-brackets"),
        pytest.param(JSON, lambda: fill(b"[", b"[]"), {400, 413}, id="brackets-without-commas"),
        pytest.param(JSON, lambda: fill(b'{"hours":', b"1", b"}"), {422}, id="number-of-16-million-digits"),
        pytest.param(JSON, lambda: fill(b'{"a":"', "\N{PILE OF POO}".encode(), b'"}'), {422}, id="string"),
        pytest.param(
            NDJSON,
            lambda: gzip.compress((b"{%s}\n" % b",".join(b'"%d":1' % n for n in range(25))) * 10_000),
            {207},
            id="ten-thousand-entries-of-unknown-members",
        ),
        pytest.param(
            JSON,
            lambda: fill(b'["', b'\\"'),
            {400},
            id="escapes",
        ),
        pytest.param(
            JSON,
            lambda: repeat_levels(b"[", b"]"),
            {413},
            id="deep-arrays",
        ),
        pytest.param(
            JSON,
            lambda: repeat_levels(b'{"":', b"}"),
            {413},
            id="deep-objects",
        ),
    ],
)
def test_an_exhausting_body_exhausts_nothing(
    target: Target, media_type: str, make_body: Callable[[], bytes], statuses: set[int]
) -> None:
    stored = target.count_stored()

    response, megabytes, seconds = target.attack(make_body(), media_type)

    assert response.status_code in statuses, response.text[:500]
    assert target.count_stored() == stored
    assert target.is_alive()
    assert megabytes < 300
    assert seconds < 10


def test_a_body_of_empty_gzip_members_exhausts_nothing(target: Target) -> None:
    _, megabytes, seconds = target.attack(gzip.compress(b"") * 400_000, NDJSON)

    assert target.is_alive()
    assert megabytes < 300
    assert seconds < 10


def test_padding_after_gzip_costs_almost_nothing(target: Target) -> None:
    body = gzip.compress(b"") + bytes(8 * MEBIBYTE - 100)

    response, _, seconds = target.attack(body, NDJSON)

    assert response.status_code == 207
    assert seconds < 0.3


def test_concurrent_large_bodies_do_not_add_up_in_memory(target: Target) -> None:
    body = fill(b'{"a":"', b"x", b'"}')

    with ThreadPoolExecutor(64) as executor:
        attacks = list(executor.map(lambda _: target.attack(body, JSON), range(64)))

    assert {response.status_code for response, _, _ in attacks} <= {422, 503}
    assert {response.json()["code"] for response, _, _ in attacks} <= {"invalid_entry", "overloaded"}
    assert target.is_alive()
    assert max(megabytes for _, megabytes, _ in attacks) < 700


@every_format
def test_a_closed_connection_stores_nothing(target: Target, media_type: str, body: bytes) -> None:
    stored = target.count_stored()
    head = (
        f"POST /timesheets/upload HTTP/1.1\r\nHost: 127.0.0.1:{target.server.port}\r\n"
        f"Authorization: Bearer {target.token}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", target.server.port), 10) as connection:
        connection.sendall(head.encode() + body[:-1])
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)

    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert target.count_stored() == stored
    assert target.is_alive()
