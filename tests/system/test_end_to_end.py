"""The three programs together: a real server, the development issuer and the real command."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.kit.servers import ENTRY, DevelopmentServer


def find_logged_entries(server: DevelopmentServer) -> list[dict[str, Any]]:
    lines = re.findall(r" timesheets\.entries \[\w+\] (.*)", server.read_log())
    return [json.loads(line) for line in lines]


def test_each_run_of_the_command_uploads_the_tutorials_entry(server: DevelopmentServer) -> None:
    results = [server.manage("upload_timesheet") for _ in range(2)]

    logged = find_logged_entries(server)[-2:]
    assert {(result.returncode, result.stderr) for result in results} == {(0, "")}
    assert [result.stdout for result in results] == [
        f"Created timesheet {entry['id']} for employee 007\n" for entry in logged
    ]
    assert all({**ENTRY, "id": entry["id"]}.items() <= entry.items() for entry in logged)


def test_the_log_line_of_a_request_has_its_id(server: DevelopmentServer) -> None:
    server.upload(server.get_token(), {**ENTRY, "hours": 25}, **{"X-Request-ID": "request-17"})

    [line] = server.wait_for_log("request-17", count=1)
    assert line.endswith('POST "timesheets/upload" 422 client="payroll"')


def test_the_log_contains_no_token_and_no_secret(server: DevelopmentServer) -> None:
    token = server.get_token()
    server.upload(token, query=f"?access_token={token}")
    requests.post(f"{server.url}/{token}", timeout=30)

    log = server.read_log()
    assert "eyJ" not in log
    assert token.rsplit(".", 1)[1] not in log
    assert "development-secret" not in log


@pytest.mark.slow
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
        wait_for_growth(tmp_path / "killed.csv.part", process)
        process.kill()
        process.wait()
        runs += 1

    assert runs > 1
    assert killed.read_bytes() == whole.read_bytes()
    assert not [*tmp_path.glob("*.part")]


def wait_for_growth(file: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a third of the entries has been added to the file, or the process has ended."""
    size = file.stat().st_size if file.exists() else 0
    while process.poll() is None and not (file.exists() and file.stat().st_size > size + 4_000):
        time.sleep(0.01)
