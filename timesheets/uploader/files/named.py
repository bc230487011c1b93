"""Upload the files of the command line, one after the other."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from timesheets.uploader.errors import (
    ExitStatus,
    InputInUse,
    InputUnreadable,
    WrongUsage,
    choose_status,
)
from timesheets.uploader.files.locks import lock
from timesheets.uploader.files.rejects import SUFFIX, RejectsFile, find_free_path
from timesheets.uploader.files.uploads import upload_file
from timesheets.uploader.output.report import Report
from timesheets.uploader.reading.inputs import Input, open_input
from timesheets.uploader.runs import Run

# What keeps one file from being uploaded, and not the next.
OF_ONE_FILE = (InputUnreadable, InputInUse, WrongUsage)


def upload_named_files(run: Run) -> ExitStatus:
    return choose_status(
        [guard_file(partial(upload_named_file, name, run), run.report) for name in run.options.files]
    )


def guard_file(action: Callable[[], ExitStatus], report: Report) -> ExitStatus:
    """What `action` returns; what concerns no other file is told here. Raises the rest."""
    try:
        return action()
    except OF_ONE_FILE as error:
        report.tell_problem(str(error))
        status: ExitStatus = error.exit_status
        return status


def upload_named_file(name: str, run: Run) -> ExitStatus:
    with open_locked(name, run) as source:
        return upload_file(source, place_rejects(source, run), run)


@contextmanager
def open_locked(name: str, run: Run) -> Iterator[Input]:
    """The input, which no other run uploads meanwhile. Raises InputUnreadable or InputInUse."""
    source = open_input(name, run.surroundings.stdin)
    try:
        if source.path:
            pacing = run.surroundings.pacing
            wait = run.options.lock_wait_seconds
            lock(source.file, name, wait, monotonic=pacing.monotonic, sleep=pacing.sleep)
            require_same_file(source, source.path)
        yield source
    finally:
        if source.file is not run.surroundings.stdin:
            source.file.close()


def require_same_file(source: Input, path: Path) -> None:
    """Refuse a file that another run moved away before this one had the lock."""
    try:
        is_same = os.path.samestat(os.fstat(source.file.fileno()), path.stat())
    except OSError:
        is_same = False
    if not is_same:
        raise InputInUse(f"{source.name}: was moved or replaced just now; run it again")


def place_rejects(source: Input, run: Run) -> RejectsFile:
    if source.path:
        beside = source.path.with_name(f"{source.path.name}{SUFFIX}")
        return RejectsFile(run.options.rejects or beside, read_mode(source))
    if run.options.rejects:
        return RejectsFile(run.options.rejects)
    # What came through a pipe is gone afterwards, so each run has a file of its own.
    folder = run.config.state_dir / "rejected"
    return RejectsFile(find_free_path(folder / f"standard-input{SUFFIX}"))


def read_mode(source: Input) -> int:
    return stat.S_IMODE(os.fstat(source.file.fileno()).st_mode)
