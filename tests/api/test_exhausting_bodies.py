"""Bodies that try to exhaust the memory or the time of the production server."""

import gzip
import os
import re
import socket
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.api.hostile_bodies import (
    CSV,
    HEADER,
    JSON,
    MEBIBYTE,
    NDJSON,
    ONE_BODY,
    SIXTEEN_MEBIBYTES,
    every_format,
)
from tests.kit.issuer import Issuer
from tests.kit.servers import GranianServer


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
    [worker] = server.find_workers()
    process = Path(f"/proc/{worker}")
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


def pack(*parts: bytes) -> Callable[[], bytes]:
    """A part, or the middle one of several, repeated up to 16 MiB."""
    return lambda: fill(*parts)


MANY_UNKNOWN = (b"{%s}\n" % b",".join(b'"%d":1' % n for n in range(25))) * 10_000
LONG_CELL = HEADER + b'"%s",Store"Zero,5\n' % (b"x" * MEBIBYTE)
PILE = "\N{PILE OF POO}".encode()
# The media type, the statuses and the bodies. With two statuses, a body exceeds two limits, and the API
# may find either first.
BODIES: list[tuple[str, set[int], list[Callable[[], bytes]]]] = [
    (JSON, {413}, [make_bomb, *(pack(b"[", part + b",", part + b"]") for part in (b"[]", b"0", b"{}"))]),
    # Strings within an entry, repeated members, and deep arrays and objects.
    (JSON, {413}, [pack(b'{"a":[', b'"",', b'""]}'), pack(b"{", b'"a":1,', b'"a":1}')]),
    (JSON, {413}, [lambda: repeat_levels(b"[", b"]"), lambda: repeat_levels(b'{"":', b"}")]),
    (JSON, {400, 413}, [pack(b'["', b',"",', b'"]'), pack(b"[" + b"[" * 640_000, b'""'), pack(b"", b"[")]),
    (JSON, {400, 413}, [pack(b"[", b"[]")]),
    # A number of 16 million digits, and long strings.
    (JSON, {422}, [pack(b'{"hours":', b"1", b"}"), pack(b'{"a":"', PILE, b'"}')]),
    (JSON, {207}, [pack(b'["', b",", b'"]')]),
    (JSON, {400}, [pack(b'["', b'\\"')]),
    (NDJSON, {413}, [lambda: gzip.compress(b"1\n" * 1_000_000), pack(b"", b"[{},[]]\n")]),
    # Values after an open string and after an escape.
    (NDJSON, {413}, [pack(b'"\n[', b"[],", b"[]]"), pack(b'"\\\\"\n[', b"[],", b"[]]")]),
    (NDJSON, {207, 413}, [pack(b"", b"\n"), pack(b"", b"[" * 2000 + b"\n")]),
    (NDJSON, {207}, [lambda: gzip.compress(MANY_UNKNOWN)]),
    # Cells, columns and rows.
    (CSV, {413}, [make_bomb, pack(HEADER, b"1\n")]),
    (CSV, {400}, [pack(b"", b"x,")]),
    (CSV, {207}, [lambda: gzip.compress(HEADER + b"," * 1_000_000), pack(HEADER, b",")]),
    (CSV, {413}, [pack(HEADER, b",,,,,,,,,,,,,," + b'"\n"')]),
    # After these quotes, other readers take commas for text.
    (CSV, {207}, [pack(HEADER + head, b",") for head in (b'x"', b'"a"x,"b\n', b'a\rb,"c\n')]),
    (CSV, {207, 413}, [pack(HEADER, b"\n")]),
    (CSV, {207}, [pack(HEADER + b'"', b'""'), pack(HEADER + b'"', b'""', b'",5\n')]),
    (CSV, {207}, [lambda: gzip.compress(LONG_CELL), pack(HEADER, b"%s\n" % (b"," * 600_000))]),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("media_type", "statuses", "make_body"),
    [(media_type, statuses, body) for media_type, statuses, bodies in BODIES for body in bodies],
)
def test_an_exhausting_body_exhausts_nothing(
    target: Target, media_type: str, make_body: Callable[[], bytes], statuses: set[int]
) -> None:
    stored = target.count_stored()

    response, megabytes, seconds = target.attack(make_body(), media_type)

    assert response.status_code in statuses, response.text[:500]
    assert target.count_stored() == stored
    assert target.is_alive()
    assert megabytes < 350
    assert seconds < 10


def test_a_body_of_empty_gzip_members_exhausts_nothing(target: Target) -> None:
    _, megabytes, seconds = target.attack(gzip.compress(b"") * 400_000, NDJSON)

    assert target.is_alive()
    assert megabytes < 350
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

    # Some may find too many bodies in transit, or wait too long for a slot or for the client's policy.
    outcomes = {(response.status_code, response.json()["code"]) for response, _, _ in attacks}
    refused = {(429, "throttled"), (503, "overloaded"), (503, "database_unavailable")}
    assert outcomes <= {(422, "invalid_entry"), *refused}
    assert (422, "invalid_entry") in outcomes
    assert target.is_alive()
    assert max(megabytes for _, megabytes, _ in attacks) < 800


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
        response = connection.recv(65536)

    assert not response or response.startswith(b"HTTP/1.1 400 ")
    assert target.count_stored() == stored
    assert target.is_alive()
