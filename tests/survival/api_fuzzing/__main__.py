"""Fuzz the production server with real tokens.

`python -m tests.survival.api_fuzzing [--max-examples N] [--seed N]`

Arguments after `--` are passed to schemathesis.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.kit.issuer import Issuer
from tests.kit.processes import REPOSITORY, make_environment
from tests.kit.servers import GranianServer

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.survival.api_fuzzing", description=__doc__)
    parser.add_argument("--max-examples", default="100", help="the maximum number of requests per operation")
    parser.add_argument("--seed", help="the seed of a run to repeat")
    parser.add_argument("others", nargs="*", help="arguments for schemathesis")
    options = parser.parse_args()
    seed = ["--seed", options.seed] if options.seed else []
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(fuzz(Path(folder), ["--max-examples", options.max_examples, *seed, *options.others]))


def fuzz(folder: Path, arguments: list[str]) -> int:
    """Run schemathesis against a new server, and return its exit status."""
    issuer = Issuer()
    server = GranianServer(folder, issuer.url)
    clients = [describe_client(issuer, name) for name in ("payroll", "billing")]
    (folder / "clients.json").write_text(json.dumps({"auth": clients}))
    try:
        store_an_entry(server.url, clients[0])
        # The description contains the public URL, which does not exist.
        status = run_schemathesis(folder, f"{server.url}/openapi.json", ["--url", server.url, *arguments])
        if status:
            print("Errors of the server:", *find_errors(server.read_log()), sep="\n")  # noqa: T201
        return status
    finally:
        server.close()
        issuer.close()


def store_an_entry(url: str, client: Mapping[str, Any]) -> None:
    """Store the entry 1, so that the parameter `as_of` has a valid value."""
    headers = {header["name"]: header["value"] for header in client["fixedHeaders"]}
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5}
    requests.post(f"{url}/timesheets/upload", json=entry, headers=headers, timeout=10).raise_for_status()


def run_schemathesis(folder: Path, url: str, arguments: list[str]) -> int:
    command: list[str | Path] = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml"),
        *("run", url, *arguments),
    ]
    environment = make_environment(
        PYTHONPATH=str(REPOSITORY),
        SCHEMATHESIS_HOOKS="tests.survival.api_fuzzing.hooks",
        CLIENTS=str(folder / "clients.json"),
        HOME=str(folder),
    )
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode


def find_errors(log: str) -> list[str]:
    """All lines except INFO and WARNING."""
    return [line for line in log.splitlines() if not re.search(r"\b(INFO|WARNING)\b", line)]


def describe_client(issuer: Issuer, name: str) -> dict[str, Any]:
    """A client in the format of Web Fuzzing Commons. Clients must not see each other's entries."""
    scope = "batch:upload correct:timesheets read:timesheets"
    token = issuer.mint(azp=name, sub=f"{name}@clients", scope=scope)
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}


if __name__ == "__main__":
    main()
