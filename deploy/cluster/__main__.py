"""Lose machines during an upload, and count what is stored. `python -m deploy.cluster`

Starts on this machine, from Debian's packages, what several machines would run: HAProxy, two API processes,
two PgBouncers, and three PostgreSQL nodes with synchronous replication under Patroni and etcd. While
`manage.py upload_timesheet` sends a long file, it kills an API process, then the primary's machine, then a
PgBouncer. Prints the longest time without an acknowledged entry at each failure. The exit status is 0 only if
the upload ends with 0 and each entry is stored exactly once.
"""

import subprocess
import sys
import time
from contextlib import closing, suppress

import requests

from benchmarks.upload import configure_client, write_csv
from deploy.cluster.machines import Cluster, open_cluster
from tests.kit.issuer import Issuer
from tests.kit.processes import link_manage_py

ENTRIES = 200_000


def start_upload(cluster: Cluster, issuer: Issuer) -> subprocess.Popen[bytes]:
    """Upload a file of entries whose contents all differ."""
    folder = cluster.root / "uploader"
    folder.mkdir(mode=0o700)
    file = write_csv(folder / "Upload.csv", ENTRIES)
    with (cluster.root / "upload_timesheet.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, link_manage_py(folder), "upload_timesheet", file, "--retries", "20"],
            env=configure_client(issuer, cluster.find_url("public_port"), folder),
            cwd=folder,
            stdout=log,
            stderr=log,
            process_group=0,
        )


def fail_one_by_one(cluster: Cluster, token: str, upload: subprocess.Popen[bytes]) -> dict[str, int]:
    """Kill a machine after each quarter of the upload, and upload single entries until it ends.

    Prints the longest time without an acknowledged entry at each failure, and returns the rows that were
    acknowledged by their `entry_id`. Raises RuntimeError if the upload fails, or ends too early.
    """
    machines = {"API process": "api-1", "primary": cluster.find_roles()["leader"], "PgBouncer": "pgbouncer-1"}
    killed = iter(machines.items())
    gaps, phase, rows = {"no failure": 0.0}, "no failure", dict[str, int]()
    acknowledged_at = time.monotonic()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while upload.poll() is None:
            entry_id = f"probe-{len(rows)}"
            row = upload_entry(session, cluster.find_url("public_port"), entry_id)
            now = time.monotonic()
            gaps[phase] = max(gaps[phase], now - acknowledged_at)
            if row:
                rows[entry_id], acknowledged_at = row, now
            # Ids grow with the rows, so the row says how far the upload is.
            if row > len(gaps) * ENTRIES // 4 and (failure := next(killed, None)):
                phase = f"{failure[0]} killed"
                gaps[phase] = 0.0
                cluster.kill(failure[1])
            time.sleep(0.02)
    for phase, gap in gaps.items():
        print(f"{phase:<20} longest gap {gap:6.2f} s")
    if upload.returncode or len(gaps) <= len(machines):
        raise RuntimeError(f"The upload ended with status {upload.returncode} in the phase: {phase}.")
    return rows


def upload_entry(session: requests.Session, url: str, entry_id: str) -> int:
    """Upload an entry. Returns its row; 0 if it is not acknowledged."""
    entry = {"user_id": entry_id, "date": "2026-06-01", "project": "Probe", "hours": 1, "entry_id": entry_id}
    with suppress(requests.RequestException):
        response = session.post(f"{url}/timesheets/upload", json=entry, timeout=3)
        if response.ok:
            return int(response.json()["id"])
    return 0


def count_entries(cluster: Cluster, acknowledged: dict[str, int]) -> dict[str, int]:
    """Count entries that were sent and are stored, lost (or are now another row), and stored twice."""
    content = "SELECT count(*), count(DISTINCT (project, user_id, date, hours)) FROM timesheets_timesheet"
    [(stored, different)] = cluster.execute(content)
    [(_, of_file)] = cluster.execute(f"{content} WHERE project = 'Upload'")
    rows = cluster.execute("SELECT entry_id, id FROM timesheets_timesheet WHERE project = 'Probe'")
    sent, lost = ENTRIES + len(acknowledged), ENTRIES - of_file + len(set(acknowledged.items()) - set(rows))
    return {"sent": sent, "stored": stored, "lost": lost, "doubled": stored - different}


if __name__ == "__main__":
    with closing(Issuer()) as test_issuer, open_cluster(test_issuer.url) as opened:
        upload_process = start_upload(opened, test_issuer)
        counts = count_entries(opened, fail_one_by_one(opened, test_issuer.mint(), upload_process))
    print(*(f"entries {name:<12} {count:>9,}" for name, count in counts.items()), sep="\n")
    if counts["lost"] or counts["doubled"]:
        raise SystemExit("Entries are lost or doubled.")
