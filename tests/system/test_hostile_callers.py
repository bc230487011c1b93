"""A caller without a token blocks nobody and uses no memory. A caller with a token blocks no other client."""

import json
import time
from contextlib import ExitStack

import pytest
import requests

from tests.conftest import StartServer
from tests.kit.issuer import Issuer
from tests.kit.raw_http import (
    FILE_PART,
    FORM,
    MULTIPART,
    open_connections,
    receive_status,
    receive_statuses,
    send_body,
    write_head,
)
from tests.kit.servers import GranianServer

# More than the 64 threads of a worker.
MANY_BODIES = 70
MANY_CONNECTIONS = 500
HUGE_BODY = 300 * 1024 * 1024
ALLOWED_MEMORY_GROWTH = 64 * 1024 * 1024
FORM_PATHS = ["/sign-in", "/sign-out", "/admin", "/admin/login/", "/admin/timesheets/timesheet/"]


@pytest.fixture(scope="module")
def server(granian: StartServer) -> GranianServer:
    """The API alone, with one worker and thus 64 threads."""
    return granian(workers=1)


@pytest.fixture(scope="module")
def site(granian: StartServer) -> GranianServer:
    """The API with the sign-in and the admin, with one worker."""
    return granian(settings="tests.settings_admin", workers=1)


@pytest.mark.parametrize("content_type", [FORM, MULTIPART, "text/plain"])
@pytest.mark.parametrize("path", ["/nowhere", "/sign-in", "/sign-out", "/admin/login/", "/"])
def test_an_address_without_a_body_responds_before_one_is_sent(
    server: GranianServer, path: str, content_type: str
) -> None:
    head = write_head(server.port, path, 1000, content_type)

    with open_connections(server.port, 1, head) as [connection]:
        status = receive_status(connection)

    assert status == (405 if path == "/" else 404)


def test_unfinished_bodies_block_nobody(server: GranianServer, issuer_process: Issuer) -> None:
    head = write_head(server.port, "/nowhere", 1000, FORM)

    with open_connections(server.port, MANY_BODIES, head + b"a=") as connections:
        response = server.upload(issuer_process.mint())
        statuses = {receive_status(connection) for connection in connections}

    assert response.status_code == 201
    assert statuses == {404}


@pytest.mark.parametrize("path", FORM_PATHS)
def test_unfinished_forms_block_no_upload(site: GranianServer, issuer_process: Issuer, path: str) -> None:
    head = write_head(site.port, path, 1000, FORM)

    with open_connections(site.port, MANY_BODIES, head + b"a=") as connections:
        response = site.upload(issuer_process.mint())
        statuses = receive_statuses(connections)

    assert response.status_code == 201
    assert statuses == {429}


def write_upload_head(server: GranianServer, token: str) -> bytes:
    authorization = f"Bearer {token}"
    return write_head(
        server.port, "/timesheets/upload", 1000, "application/json", Authorization=authorization
    )


def test_unfinished_uploads_of_two_clients_block_no_other_client(
    server: GranianServer, issuer_process: Issuer
) -> None:
    tokens = [issuer_process.mint(azp=name, sub=f"{name}@clients") for name in ("contractor", "agency")]
    reader = {"Authorization": f"Bearer {issuer_process.mint(scope='read:timesheets')}"}

    with ExitStack() as stack:
        for token in tokens:
            head = write_upload_head(server, token) + b"{"
            receive_statuses(stack.enter_context(open_connections(server.port, MANY_BODIES, head)))
        responses = [server.upload(issuer_process.mint()) for _ in range(4)]
        read = requests.get(f"{server.url}/timesheets", headers=reader, timeout=20)
        own = server.upload(tokens[0])

    assert [response.status_code for response in responses] == [201] * 4
    assert read.status_code == 200
    assert (own.status_code, own.json()["code"], own.headers["Retry-After"]) == (429, "throttled", "5")


def test_unfinished_uploads_of_many_clients_leave_threads_for_readers(
    server: GranianServer, issuer_process: Issuer
) -> None:
    tokens = [issuer_process.mint(azp=f"bot-{number}", sub=f"bot-{number}@clients") for number in range(8)]
    reader = {"Authorization": f"Bearer {issuer_process.mint(scope='read:timesheets')}"}

    with ExitStack() as stack:
        for token in tokens:
            head = write_upload_head(server, token) + b"{"
            receive_statuses(stack.enter_context(open_connections(server.port, MANY_BODIES, head)))
        response = server.upload(issuer_process.mint())
        read = requests.get(f"{server.url}/timesheets", headers=reader, timeout=20)

    code = response.json()["code"]
    assert (response.status_code, code, response.headers["Retry-After"]) == (503, "overloaded", "5")
    assert read.status_code == 200


@pytest.mark.parametrize("path", FORM_PATHS)
def test_a_form_over_16_kib_is_refused_before_it_is_sent(site: GranianServer, path: str) -> None:
    head = write_head(site.port, path, 16 * 1024 + 1, FORM)

    with open_connections(site.port, 1, head) as [connection]:
        status = receive_status(connection)

    assert status == 413


@pytest.mark.parametrize("path", ["/nowhere", *FORM_PATHS])
def test_a_huge_multipart_body_uses_no_memory(site: GranianServer, path: str) -> None:
    before = site.read_peak_memory()

    taken, _ = send_body(site.port, write_head(site.port, path, HUGE_BODY, MULTIPART), FILE_PART, HUGE_BODY)

    assert taken < HUGE_BODY
    assert site.read_peak_memory() < before + ALLOWED_MEMORY_GROWTH


def test_idle_connections_block_nobody(server: GranianServer, issuer_process: Issuer) -> None:
    with open_connections(server.port, MANY_CONNECTIONS):
        responses = [server.upload(issuer_process.mint()) for _ in range(4)]

    assert [response.status_code for response in responses] == [201] * 4


def test_a_connection_that_sends_no_request_is_closed(server: GranianServer) -> None:
    start = time.monotonic()

    with open_connections(server.port, 1, b"POST / HTTP/1.1\r\n") as [connection]:
        connection.settimeout(25)
        received = connection.recv(1)

    assert received == b""
    assert time.monotonic() - start > 5


MANY_PARAMETERS = "&".join(["a"] * 1001)
JSON = "application/json"


@pytest.mark.parametrize(
    ("path", "content_type", "body", "headers", "status", "code"),
    [
        pytest.param(
            f"/timesheets/upload?{MANY_PARAMETERS}", JSON, "", {}, 400, "bad_request", id="parameters"
        ),
        pytest.param(f"/sign-in?{MANY_PARAMETERS}", FORM, "", {}, 403, "forbidden", id="form-parameters"),
        pytest.param("/sign-in", FORM, MANY_PARAMETERS, {}, 400, "bad_request", id="fields"),
        pytest.param("/sign-in", "multipart/form-data", "x", {}, 400, "bad_request", id="no-boundary"),
        pytest.param("/sign-in", MULTIPART, "x", {}, 403, "forbidden", id="no-multipart"),
        pytest.param("/sign-in", FORM, "", {"Origin": "https://x.example"}, 403, "forbidden", id="origin"),
        pytest.param("/sign-in", FORM, "x" * 16385, {}, 413, "too_large", id="large-form"),
        pytest.param("/nowhere", FORM, "", {}, 404, "not_found", id="address"),
        pytest.param("/timesheets/upload", JSON, "", {"Host": "x.example"}, 400, "bad_request", id="host"),
        pytest.param("/sign-in", FORM, "", {"Host": "x.example"}, 400, "bad_request", id="host-of-a-form"),
    ],
)
def test_an_expected_refusal_is_a_warning_without_a_traceback(
    site: GranianServer,
    request: pytest.FixtureRequest,
    path: str,
    content_type: str,
    body: str,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    request_id = f"{request.node.callspec.id}.x"
    headers = {"Cookie": f"csrftoken={'a' * 32}", **headers, "X-Request-ID": request_id}

    response = requests.post(
        f"{site.url}{path}", body, headers={**headers, "Content-Type": content_type}, timeout=20
    )

    assert (response.status_code, response.json()["code"]) == (status, code)
    *reasons, access = map(json.loads, site.wait_for_log(f'"{request_id}"', count=1))
    assert (access["logger"], access["status"], access["code"]) == ("timesheets.access", status, code)
    # Django says why it refuses a host, a form or a number of parameters.
    assert all(line["logger"].startswith("django.security.") for line in reasons)
    assert {line["level"] for line in [*reasons, access]} == {"WARNING"}
    assert "Traceback" not in site.read_log()
