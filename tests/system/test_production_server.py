"""The API under the production server, tested through real sockets."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.kit.issuer import Issuer
from tests.kit.responders import hang
from tests.kit.servers import GranianServer

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
FIFTY_MEGABYTES = 50 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer_process: Issuer) -> Iterator[GranianServer]:
    server = GranianServer(tmp_path_factory.mktemp("server"), issuer_process.url)
    yield server
    server.close()


def test_an_entry_is_created(server: GranianServer, issuer_process: Issuer) -> None:
    response = upload(server, issuer_process)

    assert response.status_code == 201
    [line] = server.wait_for_log("timesheets.entries", count=1)
    assert json.loads(json.loads(line)["message"]) == {"id": response.json()["id"], **ENTRY}


def test_every_line_of_the_log_is_json(server: GranianServer, issuer_process: Issuer) -> None:
    response = upload(server, issuer_process)

    written = server.wait_for_log(response.headers["X-Request-ID"], count=2)
    assert [json.loads(line)["logger"] for line in written] == ["timesheets.entries", "timesheets.access"]
    lines = [json.loads(line) for line in server.read_log().splitlines()]
    assert {"_granian", "timesheets.entries", "timesheets.access"} <= {line["logger"] for line in lines}


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param({"aud": "https://other"}, 401, id="bad-token"),
        pytest.param({"scope": "read:timesheets"}, 403, id="without-the-scope"),
        pytest.param({}, 413, id="good-token"),
    ],
)
def test_a_large_upload_is_refused_before_it_is_sent(
    server: GranianServer, issuer_process: Issuer, claims: dict[str, Any], status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(write_head(server, issuer_process.mint(**claims), FIFTY_MEGABYTES))
        response = connection.recv(65536)

    assert response.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_body_without_a_length_is_refused(server: GranianServer, issuer_process: Issuer) -> None:
    response = requests.post(
        f"{server.url}/timesheets/upload",
        data=iter([json.dumps(ENTRY).encode()]),
        headers={
            "Authorization": f"Bearer {issuer_process.mint()}",
            "Content-Type": "application/json",
        },
        timeout=30,
    )

    assert (response.status_code, response.json()["code"]) == (411, "length_required")


def test_forged_tokens_delay_no_honest_caller(tmp_path: Path) -> None:
    issuer = Issuer(audience="https://timesheets.example.com")
    server = GranianServer(tmp_path, issuer.url, workers=1)
    upload(server, issuer)
    issuer.answers[issuer.jwks_path] = hang

    with ExitStack() as connections:
        for number in range(200):
            forger = connections.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            forger.sendall(write_get(server, issuer.mint(header={"kid": f"forged-{number}"})))
        issuer.wait_for_request(2)
        began = time.monotonic()
        response = upload(server, issuer)
        seconds = time.monotonic() - began

    server.close()
    issuer.stop()
    assert response.status_code == 201
    # The fetch that the forged tokens wait for fails after three seconds.
    assert seconds < 2.5


def write_get(server: GranianServer, token: str) -> bytes:
    return (
        f"GET /timesheets HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    ).encode()


def write_head(server: GranianServer, token: str, length: int) -> bytes:
    return (
        f"POST /timesheets/upload HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def upload(server: GranianServer, issuer: Issuer) -> requests.Response:
    return requests.post(
        f"{server.url}/timesheets/upload",
        json=ENTRY,
        headers={"Authorization": f"Bearer {issuer.mint()}"},
        timeout=20,
    )
