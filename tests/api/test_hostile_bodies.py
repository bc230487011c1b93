"""Truncated, damaged and large bodies: each is refused, and nothing is stored."""

import gzip
import io
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.api.conftest import Upload, status_and_code
from tests.api.hostile_bodies import (
    ARRAY_BODY,
    CSV,
    CSV_BODY,
    HEADER,
    JSON,
    NDJSON,
    NDJSON_BODY,
    ONE_BODY,
    every_format,
)
from tests.kit.django_client import ClientResponse
from timesheets.models import Timesheet
from timesheets.uploads.concurrency import LARGE_BODY_SLOTS, MAX_SMALL_BODY_BYTES, large_bodies, occupy


def upload_with_length(upload: Upload, body: bytes, media_type: str, **more: Any) -> ClientResponse:
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

        body = upload_with_length(upload, sent, NDJSON).json()

        whole = sent.count(b"}")
        assert body["created"] == whole
        assert body["received"] - whole == body["rejected"] <= 1
        assert stored_projects() == ["Store 0", "Store 1", "Store 2"][:whole]
        Timesheet.objects.all().delete()


def test_whole_rows_of_truncated_csv_are_stored(upload: Upload) -> None:
    for length in range(len(HEADER), len(CSV_BODY)):
        sent = CSV_BODY[:length]

        body = upload_with_length(upload, sent, CSV).json()

        # CSV cannot distinguish a truncated last row from a whole one. Content-Length can.
        whole = sent.count(b"\n") - 1
        assert stored_projects()[:whole] == ["Store 0", "Store 1", "Store 2"][:whole]
        assert whole <= body["created"] <= body["received"] <= whole + 1
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
def test_a_length_that_is_not_a_number_is_refused(upload: Upload, length: str) -> None:
    assert status_and_code(upload(ONE_BODY, CONTENT_LENGTH=length)) == (411, "length_required")
    assert not Timesheet.objects.exists()


@pytest.mark.parametrize("length", ["8388609", "9" * 18])
def test_a_length_over_the_limit_is_refused_without_reading_the_body(upload: Upload, length: str) -> None:
    response = upload(ONE_BODY, CONTENT_LENGTH=length, **{"wsgi.input": BrokenStream()})

    assert status_and_code(response) == (413, "too_large")


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
            requests.enter_context(occupy(large_bodies))
        yield


def test_a_large_body_without_a_slot_is_overload(upload: Upload) -> None:
    # It is small until it is unzipped.
    body, headers = gzip.compress(LARGE_BODY), {"Content-Encoding": "gzip"}
    with open_large_bodies(LARGE_BODY_SLOTS):
        response = upload(body, headers=headers)

    assert status_and_code(response) == (503, "overloaded")
    assert 1 <= int(response["Retry-After"]) <= 30
    with open_large_bodies(LARGE_BODY_SLOTS - 1):
        assert status_and_code(upload(body, headers=headers)) == (207, "")


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
