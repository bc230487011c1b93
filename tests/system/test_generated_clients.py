"""Clients that third-party generators create from the description work without changes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.kit.processes import NODE_MODULES, REPOSITORY, make_environment
from tests.kit.servers import DevelopmentServer

PROGRAMS = REPOSITORY / "tests/system/generated_clients"
DESCRIPTION = REPOSITORY / "timesheets/openapi.yaml"

# The output of each program that uses a generated client. One of the four entries is invalid.
OUTCOME = {
    "one": ["employee 007", 2017],
    "many": [201, 201, 422],
    "pages": [[5, 1], [2.5]],
    "unauthorized": [401, "invalid_token"],
    "invalid": [422, "invalid_entry", ["user_id"]],
    "correction": [6, 2, "The evening was missing.", 1],
    "receipt": ["week-19.json", True, "5.00"],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevelopmentServer]:
    with closing(DevelopmentServer(tmp_path)) as server:
        yield server


@pytest.fixture
def description(server: DevelopmentServer, tmp_path: Path) -> Path:
    file = tmp_path / "openapi.json"
    file.write_text(requests.get(f"{server.url}/openapi.json", timeout=10).text)
    return file


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Return the command's output. If the command fails, the test fails with its output."""
    environment = make_environment(HOME=str(folder), **variables)
    process = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def read_outcome(server: DevelopmentServer, *program: str | Path, folder: Path) -> Any:
    return json.loads(run(*program, server.url, server.get_token(), folder=folder))


@pytest.mark.slow
def test_openapi_python_client_generates_a_working_client(
    server: DevelopmentServer, description: Path, tmp_path: Path
) -> None:
    where: list[str | Path] = [
        *("--path", description, "--output-path", tmp_path / "generated", "--meta", "none"),
    ]
    # The generator calls ruff.
    path = str(Path(sys.executable).parent)
    run(sys.executable, "-m", "openapi_python_client", "generate", *where, folder=tmp_path, PATH=path)
    program = tmp_path / "use_openapi_python_client.py"
    program.write_text((PROGRAMS / program.name).read_text())

    assert read_outcome(server, sys.executable, program, folder=tmp_path) == OUTCOME


@pytest.mark.node
def test_openapi_typescript_generates_types_that_work_with_openapi_fetch(
    server: DevelopmentServer, description: Path, tmp_path: Path
) -> None:
    for name in ("package.json", "tsconfig.json", "use_openapi_fetch.ts"):
        (tmp_path / name).write_text((PROGRAMS / name).read_text())
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    tools = NODE_MODULES / ".bin"

    run(tools / "openapi-typescript", description, "--output", "generated.ts", folder=tmp_path)
    # tsconfig.json sets `strict`.
    run(tools / "tsc", folder=tmp_path)

    assert read_outcome(server, "node", "use_openapi_fetch.js", folder=tmp_path) == OUTCOME


@pytest.mark.node
def test_the_description_follows_the_linters_recommendations(tmp_path: Path) -> None:
    assert run("node", PROGRAMS / "lint.js", DESCRIPTION, folder=tmp_path) == ""
