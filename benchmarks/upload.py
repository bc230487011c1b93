"""What does the client cost? `python -m benchmarks.upload [--entries N]`

Uploads 10,000 entries to the production server with SQLite by `manage.py upload_timesheet`, timed
from the start of its process to its end. The rivals are the tutorial's way, with a token and a connection per
entry (timed with 100 entries), one POST per entry on a kept connection (timed with 1,000), and a bare loop
that posts the same batches, ready-made. Also prints the command's memory (Linux only).
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from timeit import timeit

import requests

from benchmarks.rows import make_entries
from tests.kit.issuer import Issuer
from tests.kit.processes import REPOSITORY, make_environment
from tests.kit.responders import document
from tests.kit.servers import GranianServer

BATCH_SIZE = 1_000
ROUNDS = 3
COLUMNS = ("user_id", "date", "project", "hours")
COMMAND = "manage.py upload_timesheet"


def write_csv(path: Path, count: int) -> Path:
    """Entries without ids. Their project is the file's name, so no other file has the same entries."""
    with path.open("w") as file:
        file.write(f"{','.join(COLUMNS)}\n")
        for entry in make_entries(count):
            entry["project"] = path.stem
            file.write(f"{','.join(str(entry[name]) for name in COLUMNS)}\n")
    return path


def configure_client(issuer: Issuer, api_url: str, folder: Path) -> dict[str, str]:
    """The command's variables, for a client that the issuer grants a token."""
    token = {"access_token": issuer.mint(), "token_type": "Bearer", "expires_in": 3600}
    issuer.answers["/oauth/token"] = document(token)
    return make_environment(
        OAUTH_TOKEN_URL=f"{issuer.url}oauth/token",
        AUTH0_AUDIENCE=issuer.audience,
        AUTH0_CLIENT_ID="payroll",
        AUTH0_CLIENT_SECRET="secret-of-payroll",  # noqa: S106  The tests' issuer does not check it.
        TIMESHEETS_API_URL=api_url,
        TIMESHEETS_STATE_DIR=str(folder / "state"),
    )


def run_command(variables: dict[str, str], file: Path) -> tuple[float, float]:
    """The seconds that the command takes to upload a file, and its peak memory in MiB."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "upload_timesheet", file],
        env=variables,
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{COMMAND} failed")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def post_like_the_tutorial(url: str, token_url: str, entries: Sequence[object]) -> None:
    for entry in entries:
        response = requests.post(token_url, json={"grant_type": "client_credentials"}, timeout=60)
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        requests.post(url, json=entry, headers=headers, timeout=60).raise_for_status()


def post_each(session: requests.Session, url: str, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        session.post(url, body, timeout=60).raise_for_status()


def compare(server: GranianServer, issuer: Issuer, folder: Path, count: int) -> None:
    """Print how long the entries take each way, and the ratios to the command."""
    url, seconds = f"{server.url}/timesheets/upload", {}
    variables = configure_client(issuer, server.url, folder)
    tutorial = partial(post_like_the_tutorial, url, variables["OAUTH_TOKEN_URL"], list(make_entries(100)))
    seconds["a token and a connection each"] = timeit(tutorial, number=1) * count / 100
    with requests.Session() as session:
        session.headers.update(
            {"Authorization": f"Bearer {issuer.mint()}", "Content-Type": "application/json"}
        )
        bodies = [json.dumps(entry).encode() for entry in make_entries(1_000)]
        one_by_one = partial(post_each, session, url, bodies)
        seconds["one POST each, kept connection"] = timeit(one_by_one, number=1) * count / 1_000
        session.headers.update({"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
        session.headers["Prefer"] = "return=minimal"
        lines = [json.dumps(entry) for entry in make_entries(count)]
        batches = [
            gzip.compress("\n".join(lines[begin : begin + BATCH_SIZE]).encode(), 1)
            for begin in range(0, count, BATCH_SIZE)
        ]
        seconds["bare loop, ready-made batches"] = timeit(partial(post_each, session, url, batches), number=1)
    _, small = run_command(variables, write_csv(folder / "small.csv", BATCH_SIZE))
    runs = [run_command(variables, write_csv(folder / f"{number}.csv", count)) for number in range(ROUNDS)]
    seconds[COMMAND], large = (statistics.median(each) for each in zip(*runs, strict=True))
    for name, taken in seconds.items():
        rate = count / taken
        print(f"{name:<30} {taken * 1000:12.1f} ms {taken / seconds[COMMAND]:6.2f} {rate:10,.0f} entries/s")
    print(f"Its memory: {small:.0f} MiB with a thousand entries, {large:.0f} MiB with {count:,}.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, closing(Issuer()) as issuer:
        server = GranianServer(Path(name), issuer.url, workers=1)
        with closing(server):
            compare(server, issuer, Path(name), options.entries)


if __name__ == "__main__":
    main()
