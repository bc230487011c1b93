"""Lose machines during an upload, and count what is stored. `python -m deploy.cluster`

Starts on this machine, from Debian's packages, what several machines would run: HAProxy, two API processes,
two PgBouncers, and three PostgreSQL nodes with synchronous replication under Patroni and etcd. While
`manage.py upload_timesheet` sends a long file, it kills an API process, then the primary's machine, then a
PgBouncer. Prints the longest time without an acknowledged entry at each failure. The exit status is 0 only if
the upload ends with 0 and each entry is stored exactly once.
"""

import argparse
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress

import psycopg
import requests

from benchmarks.upload import configure_client, write_csv
from deploy.cluster.machines import Cluster, find_missing_packages, open_cluster, wait_until
from tests.kit.issuer import Issuer
from tests.kit.processes import link_manage_py

ENTRIES = 200_000
PROBES = 4


class Probe:
    """Uploads single entries, each until it is acknowledged, in several threads until `finish`."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.headers = f"{url}/timesheets/upload", {"Authorization": f"Bearer {token}"}
        # The acknowledged rows by `entry_id`, and when they were acknowledged.
        self.rows: dict[str, int] = {}
        self.times: list[float] = []
        self._numbers = itertools.count()
        self._finishing = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(PROBES)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Return when each thread's last entry is acknowledged. Raises RuntimeError after a minute."""
        self._finishing.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                raise RuntimeError("The API acknowledges no entry any more.")

    @property
    def newest_row(self) -> int:
        return max(list(self.rows.values()), default=0)

    def find_longest_gap(self, begin: float, end: float) -> float:
        moments = [begin, *(moment for moment in sorted(self.times) if begin < moment < end), end]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    def _run(self) -> None:
        with requests.Session() as session:
            session.headers.update(self.headers)
            while not self._finishing.wait(0.05):
                number = next(self._numbers)
                while not self._upload(session, number):
                    time.sleep(0.05)

    def _upload(self, session: requests.Session, number: int) -> bool:
        """Upload an entry, and return whether it is acknowledged."""
        entry = {"user_id": str(number), "date": "2026-06-01", "project": "Probe", "hours": 1}
        entry_id = f"probe-{number}"
        with suppress(requests.RequestException):
            response = session.post(self.url, json={**entry, "entry_id": entry_id}, timeout=3)
            if response.ok:
                self.rows[entry_id] = response.json()["id"]
                self.times.append(time.monotonic())
                return True
        return False


def start_upload(cluster: Cluster, issuer: Issuer) -> subprocess.Popen[bytes]:
    """Upload a file of entries whose contents all differ."""
    folder = cluster.root / "uploader"
    folder.mkdir(mode=0o700)
    file = write_csv(folder / "Upload.csv", ENTRIES)
    with (cluster.root / "upload_timesheet.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, link_manage_py(folder), "upload_timesheet", file, "--retries", "20"],
            env=configure_client(issuer, cluster.api_url, folder),
            cwd=folder,
            stdout=log,
            stderr=log,
            process_group=0,
        )


def fail_one_by_one(cluster: Cluster, probe: Probe, upload: subprocess.Popen[bytes]) -> dict[str, float]:
    """Kill a machine after each quarter of the upload. Returns when each phase began.

    Raises RuntimeError if the upload ended before.
    """
    begins = {"no failure": time.monotonic()}
    machines = {"API process": "api-1", "primary": cluster.find_roles()["leader"], "PgBouncer": "pgbouncer-1"}
    for quarter, (name, machine) in enumerate(machines.items(), 1):
        wait_for_rows(probe, quarter * ENTRIES // 4)
        if upload.poll() is not None:
            raise RuntimeError(f"The upload ended with status {upload.returncode} before {machine} failed.")
        begins[f"{name} killed"] = time.monotonic()
        cluster.kill(machine)
    return begins


def wait_for_rows(probe: Probe, count: int) -> None:
    """Ids grow with the rows, so the newest row of the probe says how far the upload is."""
    wait_until(lambda: probe.newest_row > count, f"row {count:,} is stored", seconds=180)


def print_gaps(probe: Probe, begins: dict[str, float], end: float) -> None:
    for (name, begin), next_begin in zip(begins.items(), [*list(begins.values())[1:], end], strict=True):
        print(f"{name:<20} longest gap {probe.find_longest_gap(begin, next_begin):6.2f} s")


def count_entries(cluster: Cluster, probe: Probe) -> dict[str, int]:
    """How many entries were sent and are stored, are lost (or are now another row), and are stored twice."""
    content = "SELECT count(*), count(DISTINCT (project, user_id, date, hours)) FROM timesheets_timesheet"
    [(stored, different)] = cluster.execute(content)
    [(_, of_file)] = cluster.execute(f"{content} WHERE project = 'Upload'")
    rows = cluster.execute("SELECT entry_id, id FROM timesheets_timesheet WHERE project = 'Probe'")
    lost = ENTRIES - of_file + len(set(probe.rows.items()) - set(rows))
    return {"sent": ENTRIES + len(probe.rows), "stored": stored, "lost": lost, "doubled": stored - different}


def lose_machines(cluster: Cluster, issuer: Issuer) -> None:
    """Print how an upload survives the failures. Raises RuntimeError if it does not."""
    probe = Probe(cluster.api_url, issuer.mint())
    upload = start_upload(cluster, issuer)
    begins = fail_one_by_one(cluster, probe, upload)
    status = upload.wait(180)
    probe.finish()
    print_gaps(probe, begins, end=time.monotonic())
    counts = count_entries(cluster, probe)
    print(*(f"entries {name:<12} {count:>9,}" for name, count in counts.items()), sep="\n")
    if status or counts["lost"] or counts["doubled"]:
        raise RuntimeError(f"Entries are lost or doubled, or the upload failed (status {status}).")


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m deploy.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    if missing := find_missing_packages():
        print(f"Install what is missing: apt-get install --no-install-recommends {' '.join(missing)}")
        return os.EX_UNAVAILABLE
    # SIGTERM cleans up, like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begin = time.monotonic()
    try:
        with closing(Issuer()) as issuer, open_cluster(issuer.url) as cluster:
            print(f"The cluster is up after {time.monotonic() - begin:.0f} s.", flush=True)
            lose_machines(cluster, issuer)
    except (OSError, RuntimeError, psycopg.Error, subprocess.TimeoutExpired) as error:
        print(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
