from pathlib import Path

import pytest

from tests.client.api import Api
from tests.client.clocks import FakeClock
from tests.client.conftest import Site
from tests.client.runs import Run, write_days
from timesheets_client.errors import ExitStatus, InputInUse
from timesheets_client.files.folders import lock
from timesheets_client.local_files import try_lock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_days(tmp_path / "a.csv", 2)


def test_a_second_run_on_the_same_file_is_a_temporary_failure(api: Api, file: Path) -> None:
    run = Run()

    with file.open("rb") as held:
        assert try_lock(held)
        busy = run.start(api.variables, file)
    free = Run().start(api.variables, file)

    assert (busy, free) == (ExitStatus.TEMPORARY, ExitStatus.DONE)
    assert run.warned == [f"{file}: another run works on this; run it again later, or wait: --lock-wait 60"]
    assert len(api.requests) == 1


def test_a_run_waits_for_another_as_long_as_lock_wait_says(file: Path) -> None:
    fake_clock = FakeClock()

    with file.open("rb") as held, file.open("rb") as wanted:
        assert try_lock(held)
        with pytest.raises(InputInUse):
            lock(wanted, "a.csv", 5, fake_clock.clock)

    assert sum(fake_clock.slept) == pytest.approx(5)
    assert fake_clock.announced == ["waiting up to 5.0 s for another run that works on a.csv."]


def test_a_run_waits_for_another_at_most_until_its_deadline(site: Site, file: Path) -> None:
    run = Run()
    run.monotonic = lambda: sum(run.slept)

    with file.open("rb") as held:
        assert try_lock(held)
        status = run.start(site.variables, file, lock_wait_seconds=60, deadline_seconds=0.5)

    assert status == ExitStatus.TEMPORARY
    assert sum(run.slept) == pytest.approx(0.5)
    assert run.warned[0].startswith("waiting up to 0.5 s for another run")


def test_a_file_that_was_moved_before_its_lock_was_free_is_not_uploaded(api: Api, file: Path) -> None:
    with file.open("rb") as held:
        assert try_lock(held)

        def move_and_unlock() -> None:
            file.rename(f"{file}.done")
            held.close()

        run = Run(during_sleep=move_and_unlock)
        status = run.start(api.variables, file, lock_wait_seconds=5)

    assert status == ExitStatus.TEMPORARY
    assert run.warned[1:] == [f"{file}: was moved or replaced just now; run it again"]
    assert api.requests == []
