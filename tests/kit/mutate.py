"""Break the code by each fault of `mutations.toml` and see whether the tests catch it.

    python -m tests.kit.mutate [NAME ...]

A fault is caught if a test fails. Works in a copy of the tree, and exits with 1 if a fault is not caught.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.kit.processes import REPOSITORY

MUTATIONS = Path(__file__).with_name("mutations.toml")
NOT_COPIED = (".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")
CAUGHT = "caught"
# Exit statuses of pytest. Any other one means that it could not run the tests.
OUTCOMES = {0: "SURVIVED", 1: CAUGHT}


def main(names: Sequence[str]) -> int:
    mutations = tomllib.loads(MUTATIONS.read_text())
    chosen = {name: mutations[name] for name in names} if names else mutations
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copy = Path(folder) / "timesheets"
        shutil.copytree(REPOSITORY, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        outcomes = [judge(name, mutation, copy) for name, mutation in chosen.items()]
    caught = outcomes.count(CAUGHT)
    print(f"{caught} passed, {len(outcomes) - caught} failed")
    return int(caught < len(outcomes))


def judge(name: str, mutation: Mapping[str, str], copy: Path) -> str:
    """Apply the mutation in the copy, run its tests, and print the outcome."""
    path = copy / mutation["file"]
    original = path.read_text() if path.exists() else ""
    if original.count(mutation["old"]) != 1:
        outcome, reason = "does not apply", mutation["file"]
    else:
        path.write_text(original.replace(mutation["old"], mutation["new"]))
        try:
            outcome, reason = run_tests(mutation["tests"], copy)
        finally:
            path.write_text(original)
    print(f"{outcome}: {name}: {reason}", flush=True)
    return outcome


def run_tests(selection: str, copy: Path) -> tuple[str, str]:
    """The outcome, and the test that failed or the last line of pytest."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *shlex.split(selection)]
    # Two versions of a module may have the same size and time, and Python would confuse their bytecode.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    lines = run.stdout.splitlines() or [run.stderr]
    failed = [match[1] for line in lines if (match := re.match(r"(?:FAILED|ERROR) (\S+)", line))]
    return OUTCOMES.get(run.returncode, "DID NOT RUN"), (failed or lines)[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
