"""A run that is killed leaves nothing that anybody sees, and the next run pays everything once."""

import multiprocessing
import signal
import time
from decimal import Decimal
from multiprocessing.connection import Connection

from django.db.models import Sum

from tests.kit.default_database import Database, use_database
from tests.storage.entries import PAYROLL
from tests.storage.runs import MAY, add, pay
from tests.storage.test_runs import store_many
from timesheets.models import Run, RunLine
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import CHUNK_ROWS, find_run

COUNT = 2 * CHUNK_ROWS + 1

# Forks from a process that has loaded Django and has no other thread.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.kit.django_setup"])


def run_until(url: str, piece: int, has_come: Connection) -> None:
    """Begin a run, and stay where it writes this piece of its file."""
    written = 0

    def wait(_: bytes) -> None:
        nonlocal written
        written += 1
        if written == piece:
            has_come.send(True)
            time.sleep(600)

    with use_database(url):
        add("killed", wait)


def kill_a_run(url: str, piece: int) -> None:
    has_come, sender = _context.Pipe(duplex=False)
    process = _context.Process(target=run_until, args=[url, piece, sender], daemon=True)
    process.start()
    assert has_come.poll(60)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_run_that_is_killed_leaves_nothing_that_counts(database: Database) -> None:
    store_many(COUNT)
    shown = pay("may", MAY, "--dry-run")

    left = []
    for piece in (2, 3, 4):
        kill_a_run(database.url, piece)
        left.append(RunLine.objects.count())
        assert not Run.objects.exists()
        assert find_run(Reach(own=PAYROLL.key), "killed") is None

    assert pay("may", MAY, "--dry-run") == shown
    # PostgreSQL has the lines of a run in one transaction.
    assert left == ([0, 0, 0] if database.vendor == "postgresql" else [0, CHUNK_ROWS, 2 * CHUNK_ROWS])
    pay("may", MAY)
    lines = RunLine.objects.filter(run=Run.objects.get(label="may"))
    assert (lines.count(), RunLine.objects.count()) == (COUNT, COUNT)
    assert lines.aggregate(pays=Sum("pays"))["pays"] == Decimal(5 * COUNT)
