"""What does the client cost? `python -m benchmarks.upload [--million]`

Uploads 10,000 entries to the production server with SQLite by `manage.py upload_timesheet`, timed from the
start of its process to its end. The rivals are the tutorial's way, with a token and a connection per entry
(timed with 1% of the entries), and one POST per entry on a kept connection (timed with 10%).
With --million instead: a million entries, and the memory of the command and of the server. The rival is a
bare loop that posts the same bodies, ready-made.
"""

import argparse
import gzip
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from benchmarks.rows import make_entries
from benchmarks.timing import time_all
from tests.kit.issuer import Issuer
from tests.kit.processes import REPOSITORY, make_environment
from tests.kit.responders import document
from tests.kit.servers import GranianServer

ENTRIES, MILLION = 10_000, 1_000_000
BATCH_SIZE = 1_000
COLUMNS = ("user_id", "date", "project", "hours")
COMMAND = "manage.py upload_timesheet"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server, the issuer that it trusts, and the client's folder and variables."""

    server: GranianServer
    issuer: Issuer
    folder: Path
    variables: Mapping[str, str]

    @property
    def upload_url(self) -> str:
        return f"{self.server.url}/timesheets/upload"


@contextmanager
def open_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as name, closing(Issuer()) as issuer:
        folder = Path(name)
        with closing(GranianServer(folder, issuer.url, workers=1)) as server:
            variables = configure_client(issuer, server.url, folder)
            yield Site(server=server, issuer=issuer, folder=folder, variables=variables)


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


def run_command(site: Site, file: Path) -> int:
    """Upload a file, and return the command's peak memory in bytes (Linux only)."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "upload_timesheet", file],
        env=site.variables,
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        # A process that has ended has no such line.
        peak = max([peak, *(int(kilobytes) * 1024 for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", status))])
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"{COMMAND} exited with status {process.returncode}")
    return peak


def post_like_the_tutorial(site: Site, entries: Sequence[object]) -> None:
    token_url = f"{site.issuer.url}oauth/token"
    for entry in entries:
        response = requests.post(token_url, json={"grant_type": "client_credentials"}, timeout=60)
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        requests.post(site.upload_url, json=entry, headers=headers, timeout=60).raise_for_status()


def post_one_by_one(site: Site, entries: Sequence[object]) -> None:
    with open_session(site) as session:
        for entry in entries:
            session.post(site.upload_url, json=entry, timeout=60).raise_for_status()


def open_session(site: Site) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {site.issuer.mint()}"
    return session


def compare(site: Site) -> None:
    """Print how long 10,000 entries take each way."""

    def extrapolate(post: Callable[[Site, Sequence[object]], None], divisor: int) -> float:
        return time_all([partial(post, site, list(make_entries(ENTRIES // divisor)))]) * divisor

    files = [write_csv(site.folder / f"week-{number}.csv", ENTRIES) for number in range(5)]
    seconds = {
        "a token and a connection each": extrapolate(post_like_the_tutorial, 100),
        "one POST each, kept connection": extrapolate(post_one_by_one, 10),
        COMMAND: statistics.median(time_all([partial(run_command, site, file)]) for file in files),
    }
    for name, taken in seconds.items():
        print(f"{name:<30}  {taken * 1000:9.1f} ms  {taken / seconds[COMMAND]:5.2f}")


def upload_a_million(site: Site) -> None:
    """Print the rates of a bare loop and of the command, and the command's memory."""
    with open_session(site) as session:
        session.headers.update({"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
        seconds = 0.0
        for _ in range(MILLION // BATCH_SIZE):
            lines = [json.dumps(entry) for entry in make_entries(BATCH_SIZE)]
            body = gzip.compress("\n".join(lines).encode(), 1)
            begin = time.perf_counter()
            session.post(site.upload_url, body, headers={"Prefer": "return=minimal"}, timeout=60)
            seconds += time.perf_counter() - begin
    print(f"bare loop, ready-made bodies: {MILLION / seconds:>8,.0f} entries per second")
    server_memory = site.server.read_peak_memory()
    small = run_command(site, write_csv(site.folder / "thousand.csv", BATCH_SIZE))
    file = write_csv(site.folder / "million.csv", MILLION)
    begin = time.perf_counter()
    large = run_command(site, file)
    rate = MILLION / (time.perf_counter() - begin)
    print(f"{COMMAND}:   {rate:>8,.0f} entries per second, {rate * seconds / MILLION:.2f} of that")
    print(
        f"peak memory: {large / 2**20:.0f} MiB; with a thousand entries {small / 2**20:.0f} MiB; "
        f"{(large - small) / MILLION:.0f} bytes per entry; of the server {server_memory / 2**20:.0f} MiB, "
        f"{site.server.read_peak_memory() / 2**20:.0f} MiB with another million"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--million", action="store_true", help="upload a million entries instead")
    options = parser.parse_args()
    with open_site() as site:
        (upload_a_million if options.million else compare)(site)


if __name__ == "__main__":
    main()
