"""The API under the production server, tested through real sockets."""

import json
from typing import Any

import pytest
import requests

from tests.conftest import StartServer
from tests.kit.issuer import Issuer
from tests.kit.raw_http import open_connections, receive_status, write_head
from tests.kit.servers import GranianServer

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
FIFTY_MEGABYTES = 50 * 1024 * 1024


@pytest.fixture(scope="module")
def server(granian: StartServer) -> GranianServer:
    return granian()


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
    bearer = f"Bearer {issuer_process.mint(**claims)}"
    head = write_head(
        server.port, "/timesheets/upload", FIFTY_MEGABYTES, "application/json", Authorization=bearer
    )
    with open_connections(server.port, 1, head) as [connection]:
        assert receive_status(connection) == status


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


def upload(server: GranianServer, issuer: Issuer) -> requests.Response:
    return requests.post(
        f"{server.url}/timesheets/upload",
        json=ENTRY,
        headers={"Authorization": f"Bearer {issuer.mint()}"},
        timeout=20,
    )
