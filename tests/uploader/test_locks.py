from pathlib import Path

import pytest

from tests.uploader.clocks import Clock
from tests.uploader.conftest import Site
from tests.uploader.ledger import Ledger
from tests.uploader.runs import Run, write_days
from timesheets.uploader.errors import ExitStatus, InputInUse
from timesheets.uploader.files.locks import lock, try_lock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_days(tmp_path / "a.csv", 2)


def test_a_second_run_on_a_file_comes_back_later(site: Site, file: Path) -> None:
    ledger, run = Ledger(site), Run()

    with file.open("rb") as held:
        assert try_lock(held)
        busy = run.start(site.variables, file)
    free = Run().start(site.variables, file)

    assert (busy, free) == (ExitStatus.TEMPORARY, ExitStatus.DONE)
    assert run.warned == [
        f"{file}: another run is uploading this; run it again later, or let it wait: --lock-wait 60"
    ]
    assert len(ledger.requests) == 1


def test_a_run_waits_for_another_as_long_as_it_is_told(file: Path) -> None:
    clock = Clock()

    with file.open("rb") as held, file.open("rb") as wanted:
        assert try_lock(held)
        with pytest.raises(InputInUse):
            lock(wanted, "a.csv", 5, monotonic=lambda: clock.now, sleep=clock.sleep)

    assert sum(clock.slept) == pytest.approx(5)


def test_a_lock_is_had_as_soon_as_it_is_free(file: Path) -> None:
    with file.open("rb") as held, file.open("rb") as wanted:
        assert try_lock(held)
        lock(wanted, "a.csv", 5, monotonic=lambda: 0.0, sleep=lambda _: held.close())

        assert held.closed


def test_a_file_that_was_moved_away_before_its_lock_was_free_is_not_uploaded(site: Site, file: Path) -> None:
    ledger = Ledger(site)

    with file.open("rb") as held:
        assert try_lock(held)
        run = Run(meanwhile=lambda: (file.rename(f"{file}.done"), held.close()))
        status = run.start(site.variables, file, lock_wait_seconds=5)

    assert status == ExitStatus.TEMPORARY
    assert run.warned == [f"{file}: was moved or replaced just now; run it again"]
    assert ledger.requests == []
