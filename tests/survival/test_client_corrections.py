"""After kill -9, and beside another job, --correct and --replace end in the state of the file."""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.kit.servers import DevelopmentServer
from tests.kit.waiting import wait_until
from tests.survival.test_uploads import ENTRIES, ROUNDS, Week, finish, start

pytestmark = pytest.mark.slow

CORRECT = ("--correct", "--reason", "edited")
REPLACE = ("--replace", "2026-01-01..2026-01-31", "--reason", "edited", "--max-loss", "100")


@pytest.fixture
def week(tmp_path: Path) -> Week:
    return Week(tmp_path)


def write_rows(path: Path, project: str, hours: int, *, with_ids: bool) -> None:
    header = "user_id,date,project,hours" + ",entry_id" * with_ids
    rows = [
        f"{project}-{number % 7},2026-01-{1 + number % 28:02},{project},{hours}"
        + f",{project}-{number}" * with_ids
        for number in range(ENTRIES)
    ]
    path.write_text("\n".join([header, *rows, ""]))


def read_hours(server: DevelopmentServer, project: str) -> Counter[float]:
    """How many current entries have these hours. The revisions of each entry are dense."""
    query = (
        "SELECT MAX(revision), COUNT(*), hours FROM timesheets_timesheet WHERE project = ? GROUP BY entry_id"
    )
    with closing(sqlite3.connect(server.database, timeout=30)) as database:
        rows = database.execute(query, [project]).fetchall()
    assert all(last == count for last, count, _ in rows)
    return Counter(float(hours) for *_, hours in rows if float(hours))


@pytest.mark.parametrize("options", [CORRECT, REPLACE], ids=["correct", "replace"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_next_run_completes_a_killed_run(
    server: DevelopmentServer, week: Week, options: tuple[str, ...], number: int
) -> None:
    write_rows(week.path, week.project, 1, with_ids=options is CORRECT)
    assert finish(start(server, week))[0] == 0
    write_rows(week.path, week.project, 2, with_ids=options is CORRECT)
    first = start(server, week, *options)
    wait_until(lambda: first.poll() is not None or read_hours(server, week.project) != {1: ENTRIES})
    time.sleep(number / 10)

    first.kill()
    finish(first)
    status, _, err = finish(start(server, week, *options))

    assert (status, err) == (0, "")
    assert read_hours(server, week.project) == {2: ENTRIES}


def test_two_jobs_that_correct_at_once_lose_nothing(
    server: DevelopmentServer, week: Week, tmp_path: Path
) -> None:
    other = Week(tmp_path)
    for hours, file in ((2, week.path), (3, other.path)):
        write_rows(file, week.project, hours, with_ids=True)

    jobs = [start(server, each, *CORRECT) for each in (week, other)]
    statuses = [finish(job)[0] for job in jobs]

    assert statuses == [0, 0]
    found = read_hours(server, week.project)
    assert (found.total(), found.keys() <= {2, 3}) == (ENTRIES, True)
    assert finish(start(server, week, *CORRECT))[0] == 0
    assert read_hours(server, week.project) == {2: ENTRIES}
