"""The three programs together: a real server, the development issuer and the real command."""

import json
import re
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.kit.processes import find_free_port
from tests.kit.servers import DevelopmentServer

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


def upload(server: DevelopmentServer, token: str, **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    return requests.post(f"{server.url}/timesheets/upload", headers=headers, timeout=30, **more)


def find_logged_entries(server: DevelopmentServer) -> list[dict[str, Any]]:
    lines = re.findall(r" timesheets\.entries \[\w+\] (.*)", server.read_log())
    return [json.loads(line) for line in lines]


def test_the_command_uploads_the_tutorials_entry(server: DevelopmentServer) -> None:
    result = server.manage("upload_timesheet")

    logged = find_logged_entries(server)[-1]
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"Created timesheet {logged['id']} for employee 007\n"
    assert {**ENTRY, "id": logged["id"]}.items() <= logged.items()


def test_each_run_of_the_command_creates_a_new_entry(server: DevelopmentServer) -> None:
    first, second = server.manage("upload_timesheet"), server.manage("upload_timesheet")

    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout != second.stdout


def test_a_posted_entry_is_created(server: DevelopmentServer) -> None:
    response = upload(server, server.get_token(), json=ENTRY)

    body = response.json()
    assert response.status_code == 201
    assert body["message"] == f"Created timesheet {body['id']} for employee 007"
    with closing(sqlite3.connect(server.database)) as database:
        [row] = database.execute(
            "SELECT user_id, project, hours FROM timesheets_timesheet WHERE id = ?", [body["id"]]
        )
    assert row == ("007", "StoreZero", 5)


def test_a_client_without_the_scope_is_forbidden(server: DevelopmentServer) -> None:
    response = upload(server, server.get_token("reporting"), json=ENTRY)

    assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")


def test_the_command_reports_a_missing_scope(server: DevelopmentServer) -> None:
    result = server.manage(
        "upload_timesheet",
        OAUTH_TOKEN_URL=f"{server.url}/oauth/token",
        AUTH0_AUDIENCE="https://timesheets.example.com",
        AUTH0_CLIENT_ID="reporting",
        AUTH0_CLIENT_SECRET="development-secret-of-reporting",
        TIMESHEETS_API_URL=server.url,
    )

    assert (result.returncode, result.stdout) == (77, "")
    assert "read:timesheets" in result.stderr


def test_the_command_reports_a_wrong_secret_without_printing_it(server: DevelopmentServer) -> None:
    result = server.manage(
        "upload_timesheet",
        # A cached token would work with any secret.
        "--no-token-cache",
        OAUTH_TOKEN_URL=f"{server.url}/oauth/token",
        AUTH0_AUDIENCE="https://timesheets.example.com",
        AUTH0_CLIENT_ID="payroll",
        AUTH0_CLIENT_SECRET="a-mistyped-secret",
        TIMESHEETS_API_URL=server.url,
    )

    assert result.returncode == 77
    assert "401" in result.stderr
    assert "a-mistyped-secret" not in result.stderr


def test_the_command_without_a_server_exits_with_a_temporary_failure(server: DevelopmentServer) -> None:
    result = server.manage("upload_timesheet", TIMESHEETS_DEV_PORT=str(find_free_port()))

    assert (result.returncode, result.stdout) == (75, "")


def test_a_missing_variable_is_a_configuration_error(server: DevelopmentServer) -> None:
    result = server.manage("upload_timesheet", AUTH0_DOMAIN="example.eu.auth0.com")

    assert (result.returncode, result.stdout) == (78, "")
    assert "AUTH0_CLIENT_SECRET" in result.stderr


def test_a_busy_database_is_unavailable_and_stores_nothing(server: DevelopmentServer) -> None:
    token = server.get_token()
    upload(server, token, json={**ENTRY, "entry_id": "first"})

    with closing(sqlite3.connect(server.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        response = upload(server, token, json={**ENTRY, "entry_id": "busy"})
        writer.execute("ROLLBACK")

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert upload(server, token, json={**ENTRY, "entry_id": "busy"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"[" * 10_000, "malformed_body", id="brackets"),
        pytest.param(b'{"hours": NaN}', "malformed_body", id="nan"),
    ],
)
def test_a_hostile_body_is_a_bad_request(server: DevelopmentServer, body: bytes, code: str) -> None:
    response = upload(server, server.get_token(), data=body, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (400, code)


def test_an_incomplete_body_is_not_stored(server: DevelopmentServer) -> None:
    stored = len(find_logged_entries(server))
    body = json.dumps(ENTRY).encode()
    head = (
        f"POST /timesheets/upload HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.get_token()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body) + 5}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        response = connection.makefile("rb").read()

    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"incomplete_body" in response
    assert len(find_logged_entries(server)) == stored


def test_a_browser_gets_a_page(server: DevelopmentServer) -> None:
    response = requests.get(
        f"{server.url}/timesheets/upload", headers={"Accept": "text/html,*/*;q=0.8"}, timeout=30
    )

    assert (response.status_code, response.headers["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert "Upload timesheets" in response.text


def test_each_log_line_of_a_request_has_its_id(server: DevelopmentServer) -> None:
    upload(server, server.get_token(), json={**ENTRY, "hours": 25}, headers={"X-Request-ID": "request-17"})

    # Django logs its line after ours.
    lines = server.wait_for_log("request-17", count=2)
    assert len(lines) == 2
    assert lines[0].endswith('POST "timesheets/upload" 422 client="payroll"')
    assert " django.request " in lines[1]
    assert lines[1].endswith(": /timesheets/upload")


def test_the_log_contains_no_token_and_no_secret(server: DevelopmentServer) -> None:
    token = server.get_token()
    upload(server, token, json=ENTRY, params={"access_token": token})
    requests.post(f"{server.url}/{token}", timeout=30)

    log = server.read_log()
    assert "eyJ" not in log
    assert token.rsplit(".", 1)[1] not in log
    assert "development-secret" not in log


def test_the_issuers_key_survives_a_restart(server: DevelopmentServer, tmp_path: Path) -> None:
    other = DevelopmentServer(tmp_path)
    addresses = [f"{url}/.well-known/jwks.json" for url in (server.url, other.url)]

    first, second = [requests.get(address, timeout=30).json() for address in addresses]

    other.close()
    assert first == second


def test_the_command_waits_until_the_api_accepts_more_requests(tmp_path: Path) -> None:
    file = tmp_path / "week23.csv"
    file.write_text("user_id,date,project,hours\n" + "007,2017-05-10,StoreZero,5\n" * 3)
    server = DevelopmentServer(tmp_path, TIMESHEETS_THROTTLE="1/s")

    result = server.manage("upload_timesheet", str(file), "--batch-size", "1")

    server.close()
    assert result.returncode == 0, result.stderr
    assert "/timesheets/upload: answered 429." in result.stderr
    assert server.read_log().count('"created": 1,') == 3


def test_downloaded_entries_are_edited_and_corrected(server: DevelopmentServer, tmp_path: Path) -> None:
    week, first, second = tmp_path / "week.csv", tmp_path / "first.csv", tmp_path / "second.csv"
    projects = ["StoreZero", '"Zoë, 日本"', "=1+1", "Old"]
    week.write_text(
        "user_id,date,project,hours,entry_id\n007,2041-05-31,Early,8,early\n"
        + "".join(f"007,2041-06-0{1 + day},{each},0.{day}5,day-{day}\n" for day, each in enumerate(projects))
    )
    since = ("--since", "2041-06-01")
    server.manage("upload_timesheet", str(week))

    downloaded = server.manage("upload_timesheet", "--download", str(first), *since)
    first.write_text(first.read_text().replace("Old", "New"))
    corrected = server.manage("upload_timesheet", "--correct", "--reason", "renamed", str(first))
    again = server.manage("upload_timesheet", "--download", str(second), *since)

    assert f"{first}: 4 entries since 2041-06-01 in" in downloaded.stdout
    assert "4 entries, 0 created, 1 corrected, 3 already there, 0 rejected" in corrected.stdout
    # The correction is the newest row.
    assert again.returncode == 0
    assert second.read_bytes() == first.read_bytes()


def test_a_download_that_is_killed_again_and_again_has_the_bytes_of_one_run(
    server: DevelopmentServer, tmp_path: Path
) -> None:
    week, whole, killed = tmp_path / "week.csv", tmp_path / "whole.csv", tmp_path / "killed.csv"
    rows = "".join(f"007,2040-06-01,StoreZero,5,number-{number}\n" for number in range(300))
    week.write_text(f"user_id,date,project,hours,entry_id\n{rows}")
    server.manage("upload_timesheet", str(week))
    since = ("--since", "2040-06-01")
    server.manage("upload_timesheet", "--download", str(whole), *since)

    runs = 0
    while not killed.exists():
        process = server.start_to_manage(
            *("upload_timesheet", "--download", str(killed), *since, "--batch-size", "10")
        )
        wait_for_growth(tmp_path / "killed.csv.journal.part", process)
        process.kill()
        process.wait()
        runs += 1

    assert runs > 1
    assert killed.read_bytes() == whole.read_bytes()
    assert not [*tmp_path.glob("*.part")]


def wait_for_growth(file: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a third of the checkpoints has been added to the file, or the process has ended."""
    size = file.stat().st_size if file.exists() else 0
    while process.poll() is None and not (file.exists() and file.stat().st_size > size + 4_000):
        time.sleep(0.01)
