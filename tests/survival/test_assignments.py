"""Each batch is judged by one whole list, although servers and commands are killed while lists change."""

import hashlib
import itertools
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import SystemRandom

import pytest
import requests

from tests.kit.default_database import Database
from tests.kit.issuer import Issuer
from tests.kit.servers import GranianServer
from tests.kit.waiting import run_beside, wait_until
from tests.storage.invariants import wait_for_killed_writers
from timesheets.models import AssignmentList, Timesheet, Upload

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("SURVIVAL_ROUNDS", "2"))
PEOPLE = ("007", "008")
PAIRS = 50
# So long that half of it could be stored, if a command could store half of a list.
LISTS = [
    "user_id,project\n" + "".join(f"{user_id},Project {number}\n" for number in range(5_000))
    for user_id in PEOPLE
]


@pytest.fixture
def server(database: Database, issuer_process: Issuer, tmp_path: Path) -> Iterator[GranianServer]:
    with closing(GranianServer(tmp_path, issuer_process.url, database.url, workers=2)) as server:
        yield server


def test_killed_servers_and_commands_leave_batches_that_one_list_judged(
    server: GranianServer, issuer_process: Issuer, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {issuer_process.mint()}"}
    members = {"date": "2017-05-10", "project": "Project 4999", "hours": 5}
    body = json.dumps([{"user_id": user_id, **members} for user_id in PEOPLE * PAIRS])
    files = [tmp_path / f"{user_id}.csv" for user_id in PEOPLE]
    for file, content in zip(files, LISTS, strict=True):
        file.write_text(content)
    statuses: Counter[int] = Counter()

    def upload(_: int, is_over: threading.Event) -> None:
        while not is_over.is_set():
            try:
                response = requests.post(
                    f"{server.url}/timesheets/upload",
                    data=body,
                    headers={**headers, "Content-Type": "application/json"},
                    timeout=20,
                )
                statuses[response.status_code] += 1
            except requests.RequestException:
                is_over.wait(0.05)

    assert server.manage("assignments", "set", "payroll", str(files[0])).returncode == 0
    with run_beside(8, upload):
        for file in itertools.islice(itertools.cycle(reversed(files)), 2 * ROUNDS):
            command = server.start_to_manage("assignments", "set", "payroll", str(file))
            time.sleep(SystemRandom().uniform(0.3, 1.5))
            command.kill()
            command.wait()
            server.kill()
            server.start()
        for file, person in zip(files, PEOPLE, strict=True):
            assert server.manage("assignments", "set", "payroll", str(file)).returncode == 0
            newest = Upload.objects.latest("id").pk
            wait_until(
                lambda newest=newest, person=person: Timesheet.objects.filter(  # type: ignore[misc]
                    upload__gt=newest, user_id=person
                ).exists()
            )
    wait_for_killed_writers()

    assert set(statuses) <= {207, 503}
    stored = Counter(Timesheet.objects.values_list("upload_id", "user_id"))
    assert {user_id for _, user_id in stored} == set(PEOPLE)
    assert set(stored.values()) == {PAIRS}
    assert len(stored) == Upload.objects.count()
    assert set(Upload.objects.values_list("created", "rejected")) == {(PAIRS, PAIRS)}
    lists = AssignmentList.objects.values_list("content", "sha256")
    assert set(lists) == {(content, hashlib.sha256(content.encode()).hexdigest()) for content in LISTS}
