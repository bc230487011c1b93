"""The command as cron starts it: in its own process, under the default settings."""

import ast
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.conftest import MESSAGE, Site
from tests.kit.processes import run_python
from timesheets.management.commands.upload_timesheet import Command
from timesheets_client.environment.config import VARIABLES
from timesheets_client.errors import ExitStatus

ROOT = Path(__file__).parents[2]
# Not manage.py, because it reads the developer's `.env`.
COMMAND = [sys.executable, "-m", "django", "upload_timesheet", "--settings", "timesheets_site.settings"]
# The folder does not exist, so a query would fail.
CRON = {"PATH": os.defpath, "DATABASE_URL": "sqlite:////nonexistent/db.sqlite3", "NETRC": "/nonexistent"}


def start(*options: str, variables: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env=CRON | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*options: str, variables: dict[str, str]) -> tuple[int, str, str]:
    with start(*options, variables=variables) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_each_run_has_its_own_idempotency_key_and_prints_only_the_apis_message(site: Site) -> None:
    assert run("--example", variables=site.variables) == (0, f"{MESSAGE}\n", "")
    assert run("--example", "-v", "0", variables=site.variables) == (0, "", "")

    keys = [received.headers["Idempotency-Key"] for received in site.received if "upload" in received.path]
    assert len(set(keys)) == 2


def test_without_variables_it_uses_the_development_issuer(tmp_path: Path) -> None:
    variables = {"TIMESHEETS_DEV_PORT": "1", "TIMESHEETS_STATE_DIR": str(tmp_path)}

    status, out, err = run("--retries", "0", variables=variables)

    assert (status, out) == (ExitStatus.TEMPORARY, "")
    assert err.startswith("http://127.0.0.1:1/oauth/token: no connection.")


def test_the_help_names_every_variable_and_exit_status_and_the_limits_of_derived_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    text = Command().create_parser("manage.py", "upload_timesheet").format_help()

    assert [name for name in VARIABLES if f"\n  {name} " not in text] == []
    assert dict(re.findall(r"^  (\d+) +(\w.*)$", text, re.MULTILINE)) == {
        str(status.value): status.meaning for status in ExitStatus
    }
    assert "a corrected row is a new entry, and equal rows" in " ".join(text.split())


def test_an_interrupt_during_the_imports_leaves_no_traceback(tmp_path: Path) -> None:
    interrupt = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(20)\n"
    (tmp_path / "requests.py").write_text(interrupt)

    result = run_python("-m", "timesheets_client", **CRON, PYTHONPATH=str(tmp_path))

    # Shells show it as 130.
    assert (result.returncode, result.stderr) == (-signal.SIGINT, "")


def test_a_signal_ends_a_run_without_a_traceback(site: Site) -> None:
    site.hangs_at = "/timesheets/upload"

    with start("--example", variables=site.variables) as process:
        assert site.arrived.wait(10)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (ExitStatus.INTERRUPTED, "", "")


def test_slow_imports_are_deferred_until_they_are_needed() -> None:
    script = "import sys, timesheets.management.commands.upload_timesheet; print(sorted(sys.modules))"

    loaded = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)

    assert not {"openpyxl", "tqdm", "tenacity", "filelock"} & set(ast.literal_eval(loaded))
