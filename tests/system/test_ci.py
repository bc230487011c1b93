"""`.ci/run` can run every group of tests, and its log shows no token."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import GROUPS
from tests.kit.mutate import MUTATIONS
from tests.kit.processes import REPOSITORY, run_python

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.AAAA"
FAILURE = f"""
import logging

def test_a_token(capsys):
    token = "{TOKEN}"
    print(token)
    logging.warning(token)
    assert token == "another one"
"""
NAME = f"""
import pytest

@pytest.mark.parametrize("token", ["{TOKEN}"])
def test_a_token(token):
    pass
"""


def test_ci_installs_what_each_group_of_tests_needs() -> None:
    installed = re.findall(r"packages\+=\((.*)\)", (REPOSITORY / ".ci/run").read_text())
    needs = " ".join(need for need, _ in GROUPS.values())

    packages = " ".join(re.findall(r"apt-get install ([^)]+)\)", needs)).split()
    assert {"postgresql", "nginx", "haproxy"} <= set(packages)
    assert set(packages) <= set(" ".join(installed).split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "shown"),
    [
        pytest.param(FAILURE, 1, "assert '[token]' == 'another one'", id="in a failure"),
        pytest.param(NAME, 4, "Give the parameters of these tests ids", id="in a name"),
    ],
)
def test_no_report_of_the_tests_shows_a_token(tmp_path: Path, code: str, status: int, shown: str) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *")
    (tmp_path / "test_tokens.py").write_text(code)

    result = run_python(
        *("-m", "pytest", "-v", "--ds", "tests.settings_server", "--rootdir", tmp_path, tmp_path),
        PYTHONPATH=str(REPOSITORY),
    )

    output = result.stdout + result.stderr
    assert (result.returncode, shown in output) == (status, True)
    assert not re.search(r"eyJ\w", output)


def test_every_fault_of_the_list_fits_the_code() -> None:
    mutations = tomllib.loads(MUTATIONS.read_text())

    occurrences = {
        name: (REPOSITORY / mutation["file"]).read_text().count(mutation["old"])
        for name, mutation in mutations.items()
    }
    assert {name: count for name, count in occurrences.items() if count != 1} == {}
