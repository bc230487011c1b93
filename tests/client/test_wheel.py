"""The client alone: a wheel in a clean virtual environment, without Django and without the API."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.kit.processes import REPOSITORY, make_environment
from tests.kit.servers import DevelopmentServer
from timesheets.management.commands.upload_timesheet import Command
from timesheets_client import __version__
from timesheets_client.environment.config import VARIABLES
from timesheets_client.errors import ConfigurationError
from timesheets_client.program import PROGRAM, build_parser, read_env_file

# The client, and the reader that it shares with the API.
PACKAGES = ("timesheets_client", "timesheets_files")
PROJECT = tomllib.loads((REPOSITORY / "timesheets_client/pyproject.toml").read_text())["project"]
README = (REPOSITORY / "timesheets_client/README.md").read_text()
WHOLE_PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
CSV = "user_id,date,project,hours\n007,2026-06-01,StoreZero,5\n008,2026-06-01,StoreZero,7.5\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Elsewhere, so that nothing is built in the repository.
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(
            REPOSITORY / package,
            source / package,
            ignore=shutil.ignore_patterns("__pycache__", "dist", "build"),
        )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=source / "timesheets_client",
        check=True,
        capture_output=True,
        timeout=60,
    )
    [wheel] = folder.glob("*.whl")
    return wheel


def find_needed(requirements: list[str], found: dict[str, Distribution]) -> Iterator[Distribution]:
    """The installed distributions that the requirements need, and those that these need."""
    for requirement in map(Requirement, requirements):
        extras = [*requirement.extras, ""]
        markers = requirement.marker
        name = requirement.name.lower()
        if name in found or (markers and not any(markers.evaluate({"extra": extra}) for extra in extras)):
            continue
        found[name] = distribution(name)
        yield found[name]
        needed = [
            text
            for text in found[name].requires or []
            if (marker := Requirement(text).marker) is None
            or any(marker.evaluate({"extra": extra}) for extra in extras)
        ]
        yield from find_needed([re.sub(r";.*", "", text) for text in needed], found)


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and what it declares, installed without a network."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", programs / "python", "install", "--no-deps"),
            *("--no-index", wheel),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    [packages] = folder.glob("lib/python*/site-packages")
    for needed in find_needed(PROJECT["dependencies"], {}):
        for file in needed.files or []:
            if ".." not in file.parts:
                target = packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    return programs


def run(
    programs: Path, folder: Path, *arguments: str, program: str = PROGRAM, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = make_environment(TIMESHEETS_STATE_DIR=str(folder / "state"), **variables)
    return subprocess.run(
        [programs / program, *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write_env_file(path: Path, server: DevelopmentServer, mode: int = 0o600) -> Path:
    path.write_text(
        f"OAUTH_TOKEN_URL={server.url}/oauth/token\n"
        "AUTH0_AUDIENCE=https://timesheets.example.com\n"
        "AUTH0_CLIENT_ID=payroll\n"
        "AUTH0_CLIENT_SECRET=development-secret-of-payroll\n"
        f"TIMESHEETS_API_URL={server.url}\n"
    )
    path.chmod(mode)
    return path


def test_the_wheel_has_the_client_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    client = REPOSITORY / "timesheets_client"
    files = [
        *client.rglob("*.py"),
        *client.glob("maps/*.toml"),
        *(client / name for name in ("LICENSE", "README.md", "pyproject.toml")),
        *(REPOSITORY / "timesheets_files").glob("*.py"),
    ]
    ours = {str(path.relative_to(REPOSITORY)) for path in files}
    packaged = {os.path.normpath(name) for name in names if ".dist-info/" not in name}
    assert packaged == ours
    assert f"timesheets_client-{__version__}.dist-info/licenses/LICENSE" in names
    assert (client / "LICENSE").read_text() == (REPOSITORY / "LICENSE").read_text()


def test_the_client_runs_without_django(programs: Path, tmp_path: Path) -> None:
    imports = (
        "import sys, timesheets_client.program; print(sorted({'django', 'timesheets'} & set(sys.modules)))"
    )

    result = run(programs, tmp_path, "-c", imports, program="python")
    django = run(programs, tmp_path, "-c", "import django", program="python")

    assert (result.returncode, result.stdout) == (0, "[]\n")
    assert "No module named 'django'" in django.stderr


def test_the_command_says_its_version(programs: Path, tmp_path: Path) -> None:
    result = run(programs, tmp_path, "--version")

    assert (result.returncode, result.stdout) == (0, f"upload-timesheets {__version__}\n")
    assert __version__ == WHOLE_PROJECT["version"] == PROJECT["version"]


def test_the_command_uploads_with_the_variables_of_a_file(programs: Path, tmp_path: Path) -> None:
    server = DevelopmentServer(tmp_path)
    env_file = write_env_file(tmp_path / "client.env", server)
    (tmp_path / "week23.csv").write_text(CSV)

    try:
        first = run(programs, tmp_path, "--env-file", str(env_file), "week23.csv")
        again = run(programs, tmp_path, "--env-file", str(env_file), "-v", "2", "week23.csv")
        tutorial = run(programs, tmp_path, "--env-file", str(env_file), "--example")
        # The environment takes precedence.
        wrong = run(
            programs,
            tmp_path,
            *("--env-file", str(env_file), "--no-token-cache", "--example"),
            AUTH0_CLIENT_ID="stranger",
        )
    finally:
        server.close()

    assert (first.returncode, first.stderr) == (0, "")
    assert "week23.csv: 2 entries, 2 created, 0 already there, 0 rejected in " in first.stdout
    assert "week23.csv: 2 entries, 0 created, 2 already there, 0 rejected in " in again.stdout
    assert re.fullmatch(r"Created timesheet \d+ for employee 007\n", tutorial.stdout)
    assert wrong.returncode == 77


def test_the_command_has_no_development_values(programs: Path, tmp_path: Path) -> None:
    result = run(programs, tmp_path)

    assert result.returncode == 78
    assert "AUTH0_CLIENT_ID" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(b"AUTH0_DOMAIN=\xff", "is not UTF-8 text", id="not-utf-8"),
        pytest.param(
            b"AUTH0_CLIENT_SECRET=hidden",
            "contains AUTH0_CLIENT_SECRET, and other users can read it: chmod 600 .*",
            id="open-to-others",
        ),
    ],
)
def test_a_file_of_variables_that_cannot_be_used_is_a_configuration_error(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "client.env"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o640)

    with pytest.raises(ConfigurationError, match=f"^--env-file: {path} {message}$"):
        read_env_file(str(path))


def list_options(parser: ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001


def test_both_programs_have_the_same_options() -> None:
    django_only = {"--settings", "--pythonpath", "--no-color", "--force-color", "--skip-checks"}

    alone, managed = list_options(build_parser()), list_options(Command().create_parser("manage.py", "x"))

    assert managed - alone == django_only & managed
    assert alone - managed == {"--env-file"}


def test_the_wheel_needs_what_the_whole_project_locks() -> None:
    locked = {Requirement(text).name: text for text in WHOLE_PROJECT["dependencies"]}

    for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["private-key-jwt"]]:
        assert locked[Requirement(text).name] == text


def test_signing_needs_an_extra_and_says_so(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch(0o600)
    (tmp_path / "key.pem").write_text("PEM")
    key = {"OAUTH_CLIENT_AUTH": "private_key_jwt", "AUTH0_PRIVATE_KEY_FILE": str(tmp_path / "key.pem")}

    result = run(programs, tmp_path, "--example", **key)

    assert result.returncode == 78
    assert (
        "AUTH0_PRIVATE_KEY_FILE: signing needs the extra timesheets-client[private-key-jwt]" in result.stderr
    )


def test_the_readme_of_the_wheel_explains_every_variable() -> None:
    [block] = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)

    assert set(re.findall(r"^#?([A-Z0-9_]+)=", block, re.MULTILINE)) == set(VARIABLES)
