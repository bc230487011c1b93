"""Upload the files of the command line, one after the other."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from timesheets_client.access.private_files import make_private_folder
from timesheets_client.errors import (
    ConfigurationError,
    DiskFull,
    ExitStatus,
    InputInUse,
    InputUnreadable,
    WrongUsage,
    choose_status,
)
from timesheets_client.files.drafts import OWNER_ONLY, remove_abandoned_drafts
from timesheets_client.files.folders import Folder, add_suffix
from timesheets_client.files.locks import lock
from timesheets_client.files.rejects import SUFFIX, RejectsFile
from timesheets_client.files.uploads import upload_file
from timesheets_client.output.report import Report
from timesheets_client.printable import escape
from timesheets_client.reading.inputs import Input, open_input
from timesheets_client.runs import Run

# What keeps one file from being uploaded, and not the next.
OF_ONE_FILE = (InputUnreadable, InputInUse, WrongUsage, DiskFull)


def upload_named_files(run: Run) -> ExitStatus:
    places = [run.options.rejects] if run.options.rejects else map(Path, run.options.files)
    for folder in {find_piped_rejects(run), *(place.parent for place in places)}:
        remove_abandoned_drafts(Folder(folder))
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


def open_locked(name: str, run: Run) -> AbstractContextManager[Input]:
    """The input, which no other run uploads meanwhile. Raises InputUnreadable or InputInUse."""
    return locked(open_input(name, run.surroundings.stdin), run)


@contextmanager
def locked(source: Input, run: Run) -> Iterator[Input]:
    """The input, which is closed in the end. Raises InputInUse."""
    try:
        if source.path:
            lock(source.file, source.name, run.lock_wait_seconds, run.surroundings.pacing)
            require_same_file(source, source.path)
        yield source
    finally:
        if source.file is not run.surroundings.stdin:
            source.file.close()


def require_same_file(source: Input, path: Path) -> None:
    """Refuse a file that another run moved away before this one had the lock."""
    if not is_same_file(source, path):
        raise InputInUse(f"{source.name}: was moved or replaced just now; run it again")


def is_same_file(source: Input, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(source.file.fileno()), path.stat())
    except OSError:
        return False


def place_rejects(source: Input, run: Run) -> RejectsFile:
    if run.options.rejects:
        path = run.options.rejects
    elif source.path:
        path = source.path.with_name(add_suffix(source.path.name, SUFFIX))
    else:
        folder = Folder(find_piped_rejects(run))
        return RejectsFile(folder, f"standard-input{SUFFIX}", replaces=False, make=make_private_folder)
    require_replaceable(path, source)
    return RejectsFile(Folder(path.parent), path.name, read_mode(source) if source.path else OWNER_ONLY)


def find_piped_rejects(run: Run) -> Path:
    """The folder for those of a pipe, which is gone afterwards: each run has a file of its own there."""
    return run.config.state_dir / "rejected"


def require_replaceable(path: Path, source: Input) -> None:
    """Refuse what would be destroyed: the input itself, or a device such as /dev/null."""
    shown = escape(str(path))
    if source.path and is_same_file(source, path):
        raise WrongUsage(f"--rejects {shown}: this is the file to upload; name another for what is rejected")
    if os.path.lexists(path) and not (path.is_symlink() or path.is_file()):
        raise ConfigurationError(
            f"{shown}: rejected entries cannot take its place, since it is no file; name one with --rejects"
        )


def read_mode(source: Input) -> int:
    return stat.S_IMODE(os.fstat(source.file.fileno()).st_mode) & 0o777
