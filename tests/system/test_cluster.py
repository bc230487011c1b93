"""What can be said about `deploy/cluster/` without starting it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.cluster.machines import PACKAGES, SEARCH_PATH, TEMPLATES, choose_values, fill_in
from tests.kit.processes import run_python
from timesheets_site.settings_base import POSTGRESQL_OPTIONS

CONFIGURATIONS = sorted(path.name for path in TEMPLATES.iterdir() if path.suffix not in (".py", ".pyc", ""))


@pytest.fixture
def values() -> dict[str, str]:
    return choose_values()


def test_the_help_says_what_is_started_and_killed() -> None:
    result = run_python("-m", "deploy.cluster", "--help")

    assert result.returncode == 0
    assert all(name in result.stdout for name in ("HAProxy", "PgBouncer", "Patroni", "etcd", "exit status"))


def test_missing_packages_are_named_with_the_command_that_installs_them() -> None:
    result = run_python("-m", "deploy.cluster", PATH="/nonexistent")

    assert result.returncode == 69
    assert re.search(r"apt-get install --no-install-recommends .*\betcd-server patroni\b", result.stdout)


@pytest.mark.parametrize("template", CONFIGURATIONS)
def test_each_placeholder_of_a_configuration_has_a_value(template: str, values: dict[str, str]) -> None:
    assert "$" not in fill_in(template, "database-2", values)


def test_a_machine_gets_its_own_port(values: dict[str, str]) -> None:
    assert f"listen_port = {values['pgbouncer_port_2']}\n" in fill_in("pgbouncer.ini", "pgbouncer-2", values)


@pytest.mark.skipif(not shutil.which("haproxy", path=SEARCH_PATH), reason=f"needs {PACKAGES['haproxy']}")
@pytest.mark.parametrize("template", ["haproxy-api.cfg", "haproxy-database.cfg"])
def test_haproxy_accepts_its_configuration(template: str, tmp_path: Path, values: dict[str, str]) -> None:
    (tmp_path / template).write_text(fill_in(template, "haproxy", values))

    program = shutil.which("haproxy", path=SEARCH_PATH)
    result = subprocess.run(
        [program or "", "-c", "-f", tmp_path / template], capture_output=True, check=False
    )

    assert (result.returncode, result.stderr) == (0, b"")


def test_pgbouncer_ignores_the_timeouts_of_the_settings_and_the_role_has_them(values: dict[str, str]) -> None:
    timeouts = dict(re.findall(r"-c (\w+)=(\w+)", str(POSTGRESQL_OPTIONS["options"])))

    of_role = dict(re.findall(r"SET (\w+) = '(\w+)'", fill_in("database.sql", "postgres", values)))
    [ignored] = re.findall(
        r"ignore_startup_parameters = (.*)", fill_in("pgbouncer.ini", "pgbouncer-1", values)
    )
    assert len(timeouts) == 3
    assert of_role == timeouts
    assert ignored.split(",") == list(timeouts)
