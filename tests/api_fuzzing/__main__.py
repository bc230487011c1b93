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
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(fuzz(Path(folder), options))


def fuzz(folder: Path, options: argparse.Namespace) -> int:
    """Schemathesis' exit status, after a run against a server of its own."""
    issuer = Issuer(audience=AUDIENCE)
    server = GranianServer(folder, issuer.url)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml"),
        *("run", f"{server.url}/openapi.json", "--max-examples", options.max_examples),
        *(("--seed", options.seed) if options.seed else ()),
        *options.others,
    ]
    clients = folder / "clients.json"
    clients.write_text(
        json.dumps({"auth": [describe_client(issuer, name) for name in ("payroll", "billing")]})
    )
    environment = make_environment(
        DJANGO_SETTINGS_MODULE="tests.settings_server",
        PYTHONPATH=str(REPOSITORY),
        SCHEMATHESIS_HOOKS="tests.api_fuzzing.hooks",
        CLIENTS=str(clients),
        HOME=str(folder),
    )
    try:
        status = subprocess.run(command, env=environment, cwd=folder, check=False).returncode
        if status:
            print("The server's errors:", *find_errors(server.read_log()), sep="\n")  # noqa: T201
        return status
    finally:
        server.close()
        issuer.close()


def find_errors(log: str) -> list[str]:
    """All lines but those of what went as it should."""
    return [line for line in log.splitlines() if not re.search(" (INFO|WARNING) ", line)]


def describe_client(issuer: Issuer, name: str) -> dict[str, Any]:
    """One of two clients that must not see each other's entries, as Web Fuzzing Commons has it."""
    token = issuer.mint(azp=name, sub=f"{name}@clients", scope="batch:upload read:timesheets")
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}


if __name__ == "__main__":
    main()
