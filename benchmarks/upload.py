"""What does the client cost? `python -m benchmarks.upload [--million]`

10,000 entries on the production server with SQLite: the tutorial's way, a token and a connection for each
(timed by a hundredth of them); one POST for each on a kept connection (a tenth of them); and
`manage.py upload_timesheet`, from the start of its process to its end. With --million instead: a million
entries by the command, with its memory, beside a bare loop that posts the same bodies ready-made.
"""

import argparse
import gzip
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.rows import make_entries
from benchmarks.timing import print_table, time_in_turns
from tests.issuer import Issuer
from tests.processes import REPOSITORY, GranianServer, make_environment
from tests.responders import document

AUDIENCE = "https://timesheets.example.com"
ENTRIES, MILLION = 10_000, 1_000_000
ENTRIES_OF_A_BATCH = 1_000
COLUMNS = ("user_id", "date", "project", "hours")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server, the issuer that it trusts, and a folder for the client's files."""

    server: GranianServer
    issuer: Issuer
    folder: Path

    @property
    def upload_url(self) -> str:
        return f"{self.server.url}/timesheets/upload"

    @property
    def token_url(self) -> str:
        return f"{self.issuer.url}oauth/token"


@contextmanager
def open_site() -> Iterator[Site]:
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        issuer = Issuer(audience=AUDIENCE)
        resources.callback(issuer.close)
        token = {"access_token": issuer.mint(), "token_type": "Bearer", "expires_in": 3600}
        issuer.answers["/oauth/token"] = document(token)
        server = GranianServer(folder, issuer.url, workers=1)
        resources.callback(server.close)
        yield Site(server=server, issuer=issuer, folder=folder)


def write_csv(path: Path, count: int) -> Path:
    """Entries that no other file has, without ids."""
    with path.open("w") as file:
        file.write(f"{','.join(COLUMNS)}\n")
        for entry in make_entries(count):
            entry["project"] = path.stem
            file.write(f"{','.join(str(entry[name]) for name in COLUMNS)}\n")
    return path


def run_command(site: Site, file: Path) -> int:
    """Upload a file, and return the most memory in bytes that the command held (Linux only)."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "upload_timesheet", file],
        env=make_environment(
            OAUTH_TOKEN_URL=site.token_url,
            AUTH0_AUDIENCE=AUDIENCE,
            AUTH0_CLIENT_ID="payroll",
            AUTH0_CLIENT_SECRET="secret-of-payroll",  # noqa: S106  The issuer of tests asks for none.
            TIMESHEETS_API_URL=site.server.url,
            TIMESHEETS_STATE_DIR=str(site.folder / "state"),
        ),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, *read_peaks(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"the command ended with {process.returncode}")
    return peak


def read_peaks(pid: int) -> Iterator[int]:
    yield 0
    status = Path(f"/proc/{pid}/status").read_text()
    yield from (int(kilobytes) * 1024 for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", status))


def post_like_the_tutorial(site: Site, entries: Sequence[object]) -> None:
    for entry in entries:
        answer = requests.post(site.token_url, json={"grant_type": "client_credentials"}, timeout=60)
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
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
    """Print how long 10,000 entries take in each way."""
    numbers = itertools.count()
    by_command = "manage.py upload_timesheet"

    def scale(post: Callable[[Site, Sequence[object]], None], part: int) -> float:
        entries = list(make_entries(ENTRIES // part))
        begin = time.perf_counter()
        post(site, entries)
        return (time.perf_counter() - begin) * part

    seconds = {
        "a token and a connection each": scale(post_like_the_tutorial, 100),
        "one POST each, kept connection": scale(post_one_by_one, 10),
    }
    files = [write_csv(site.folder / f"week-{next(numbers)}.csv", ENTRIES) for _ in range(5)]
    seconds |= time_in_turns({by_command: lambda: run_command(site, files.pop())}, rounds=5, calls=1)
    print_table(seconds, rival=by_command, unit="ms")


def upload_a_million(site: Site) -> None:
    """Print the pace of a bare loop and of the command, and the command's memory."""
    with open_session(site) as session:
        session.headers.update({"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
        taken = 0.0
        for _ in range(MILLION // ENTRIES_OF_A_BATCH):
            lines = [json.dumps(entry) for entry in make_entries(ENTRIES_OF_A_BATCH)]
            body = gzip.compress("\n".join(lines).encode(), 1)
            begin = time.perf_counter()
            session.post(site.upload_url, body, headers={"Prefer": "return=minimal"}, timeout=60)
            taken += time.perf_counter() - begin
    print(f"a bare loop posting ready bodies: {MILLION / taken:>8,.0f} entries a second")
    few = run_command(site, write_csv(site.folder / "few.csv", ENTRIES_OF_A_BATCH))
    file = write_csv(site.folder / "million.csv", MILLION)
    begin = time.perf_counter()
    many = run_command(site, file)
    pace = MILLION / (time.perf_counter() - begin)
    ratio = pace * taken / MILLION
    print(f"manage.py upload_timesheet:       {pace:>8,.0f} entries a second, {ratio:.2f} of that")
    print(
        f"memory at its peak: {many / 2**20:.0f} MiB; of a thousand entries {few / 2**20:.0f} MiB; "
        f"{(many - few) / MILLION:.0f} bytes an entry"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--million", action="store_true", help="upload a million entries instead")
    measure = upload_a_million if parser.parse_args().million else compare
    with open_site() as site:
        measure(site)


if __name__ == "__main__":
    main()
