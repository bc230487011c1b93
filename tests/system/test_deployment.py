"""The deployment guide and the files in deploy/ that it installs agree with each other and with the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.processes import PRODUCTION_VARIABLES, REPOSITORY, make_environment
from tests.system.test_docs import find_variables
from timesheets.management.commands.serve import DEFAULTS

GUIDE = "".join((REPOSITORY / f"docs/{page}.md").read_text() for page in ("deployment", "browser"))
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
UNIT = (REPOSITORY / "deploy/systemd/timesheets@.service").read_text()
MANAGE = (REPOSITORY / "deploy/systemd/timesheets-manage").read_text()
NGINX = (REPOSITORY / "deploy/nginx/timesheets.conf").read_text()
JOB = (REPOSITORY / "docs/send-files.md").read_text()
RELEASE = "/opt/timesheets/current"


def find_assigned(text: str) -> set[str]:
    """The names of variables that are set in upper case, as the API's are."""
    return set(re.findall(r"(?:^|^Environment=|^export | )([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def read_setting(name: str) -> str:
    """The unit's only setting of this name."""
    [value] = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def test_every_file_that_the_guide_installs_exists() -> None:
    named = re.findall(r"deploy/[\w/@.-]*\w", GUIDE)

    assert {"deploy/postgresql/roles.sql", "deploy/nginx/timesheets.conf"} <= set(named)
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize(
    "text",
    [BLOCKS[0], BLOCKS[1], UNIT, MANAGE, JOB],
    ids=["server", "client", "unit", "timesheets-manage", "job"],
)
def test_every_variable_that_is_set_is_read(text: str) -> None:
    assert find_assigned(text)
    assert find_assigned(text) <= find_variables() | {"DJANGO_SETTINGS_MODULE", "MAILTO", "SHELL"}


def test_the_guide_sets_everything_that_production_requires() -> None:
    assert find_assigned(BLOCKS[0] + UNIT) >= {
        f"{name}_FILE" if name in {"DJANGO_SECRET_KEY", "DATABASE_URL"} else name
        for name in PRODUCTION_VARIABLES
    }


def test_the_guide_writes_what_the_unit_and_the_script_read() -> None:
    blocks = "".join(block.replace("$role", role) for block in BLOCKS for role in ("api", "owner"))

    written = set(re.findall(r"> (/etc/timesheets/\S+)", blocks))
    assert set(re.findall(r"/etc/timesheets/[\w-]+", UNIT + MANAGE)) == written


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block-{number}" for number in range(len(BLOCKS))])
@pytest.mark.shell
def test_the_commands_are_correct_shell(block: str) -> None:
    result = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")


def test_nginx_knows_every_instance_that_the_guide_starts() -> None:
    [started] = re.findall(r"enable --now (.*)", BLOCKS[0])

    assert re.findall(r"@(\d+)", started) == re.findall(r"server 127\.0\.0\.1:(\d+)", NGINX)


def test_systemd_waits_longer_than_the_server_for_its_workers() -> None:
    assert int(read_setting("TimeoutStopSec")) > int(DEFAULTS["GRANIAN_WORKERS_KILL_TIMEOUT"])


def run_timesheets_manage(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in `tmp_path`, with the files that the guide writes."""
    # A real variable wins over the file, so the names of the files are not among them.
    (tmp_path / "secret-key").write_text(PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"])
    (tmp_path / "owner-database-url").write_text("postgres://owner@127.0.0.1:1/timesheets")
    secrets = {"DJANGO_SECRET_KEY", "DATABASE_URL"}
    settings = [f"{name}={value}" for name, value in PRODUCTION_VARIABLES.items() if name not in secrets]
    (tmp_path / "environment").write_text("\n".join(settings))
    python = tmp_path / "release/.venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "release/manage.py").symlink_to(REPOSITORY / "manage.py")
    script = MANAGE.replace("/etc/timesheets", str(tmp_path))

    return subprocess.run(
        ["sh", "-s", *arguments],
        input=script,
        env=make_environment(RELEASE=str(tmp_path / "release")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_timesheets_manage_connects_as_the_owner(tmp_path: Path) -> None:
    result = run_timesheets_manage(tmp_path, "diffsettings")

    assert result.returncode == 0, result.stderr
    assert "'USER': 'owner'" in result.stdout


def test_timesheets_manage_reads_a_file_in_the_folder_of_its_caller(tmp_path: Path) -> None:
    (tmp_path / "payroll.csv").write_text("user_id,from\n007,tomorrow\n")

    result = run_timesheets_manage(tmp_path, "assignments", "set", "payroll", "payroll.csv")

    assert result.returncode == 65
    assert "payroll.csv:2: from: is not a date" in result.stderr


@pytest.mark.systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "timesheets@.service"
    # The release is not installed here.
    unit.write_text(UNIT.replace(f"{RELEASE}/.venv/bin/python", sys.executable))

    result = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False
    )

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.systemd
def test_the_unit_exposes_little() -> None:
    unit = REPOSITORY / "deploy/systemd/timesheets@.service"

    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 0, result.stdout
