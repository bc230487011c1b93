"""Fuzz the production server with real tokens. `python -m tests.api_fuzzing [--max-examples N] [--seed N]`

What follows `--` is schemathesis' own.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.issuer import Issuer
from tests.processes import REPOSITORY, GranianServer, make_environment

AUDIENCE = "https://timesheets.example.com"
HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.api_fuzzing", description=__doc__)
    parser.add_argument("--max-examples", default="100", help="how many requests an operation gets at most")
    parser.add_argument("--seed", help="the seed of a run that shall be repeated")
    parser.add_argument("others", nargs="*", help="arguments for schemathesis")
    options = parser.parse_args()
    seed = ["--seed", options.seed] if options.seed else []
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(fuzz(Path(folder), ["--max-examples", options.max_examples, *seed, *options.others]))


def fuzz(folder: Path, arguments: list[str]) -> int:
    """Schemathesis' exit status, after a run against a server of its own."""
    issuer = Issuer(audience=AUDIENCE)
    server = GranianServer(folder, issuer.url)
    clients = [describe_client(issuer, name) for name in ("payroll", "billing")]
    (folder / "clients.json").write_text(json.dumps({"auth": clients}))
    try:
        # The description names the public address, where nothing answers.
        status = run_schemathesis(folder, f"{server.url}/openapi.json", ["--url", server.url, *arguments])
        if status:
            print("The server's errors:", *find_errors(server.read_log()), sep="\n")  # noqa: T201
        return status
    finally:
        server.close()
        issuer.close()


def run_schemathesis(folder: Path, url: str, arguments: list[str]) -> int:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml"),
        *("run", url, *arguments),
    ]
    environment = make_environment(
        PYTHONPATH=str(REPOSITORY),
        SCHEMATHESIS_HOOKS="tests.api_fuzzing.hooks",
        CLIENTS=str(folder / "clients.json"),
        HOME=str(folder),
    )
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode


def find_errors(log: str) -> list[str]:
    """All lines but those of what went as it should."""
    return [line for line in log.splitlines() if not re.search(r"\b(INFO|WARNING)\b", line)]


def describe_client(issuer: Issuer, name: str) -> dict[str, Any]:
    """One of two clients that must not see each other's entries, as Web Fuzzing Commons has it."""
    token = issuer.mint(azp=name, sub=f"{name}@clients", scope="batch:upload read:timesheets")
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}


if __name__ == "__main__":
    main()
