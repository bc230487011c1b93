"""Upload the files of the command line, one after the other."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from timesheets_client.context import RunContext
from timesheets_client.environment.private_files import make_private_folder
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

# What keeps one file from being uploaded, and not the next.
OF_ONE_FILE = (InputUnreadable, InputInUse, WrongUsage, DiskFull)


def upload_named_files(context: RunContext) -> ExitStatus:
    places = [context.options.rejects] if context.options.rejects else map(Path, context.options.files)
    for folder in {find_piped_rejects(context), *(place.parent for place in places)}:
        remove_abandoned_drafts(Folder(folder))
    return choose_status(
        [
            guard_file(partial(upload_named_file, name, context), context.report)
            for name in context.options.files
        ]
    )


def guard_file(action: Callable[[], ExitStatus], report: Report) -> ExitStatus:
    """What `action` returns; what concerns no other file is told here. Raises the rest."""
    try:
        return action()
    except OF_ONE_FILE as error:
        report.tell_problem(str(error))
        status: ExitStatus = error.exit_status
        return status


def upload_named_file(name: str, context: RunContext) -> ExitStatus:
    with open_locked(name, context) as source:
        return upload_file(source, place_rejects(source, context), context)


def open_locked(name: str, context: RunContext) -> AbstractContextManager[Input]:
    """The input, which no other run uploads meanwhile. Raises InputUnreadable or InputInUse."""
    return locked(open_input(name, context.environment.stdin), context)


@contextmanager
def locked(source: Input, context: RunContext) -> Iterator[Input]:
    """The input, which is closed in the end. Raises InputInUse."""
    try:
        if source.path:
            lock(source.file, source.name, context.lock_wait_seconds, context.environment.clock)
            require_same_file(source, source.path)
        yield source
    finally:
        if source.file is not context.environment.stdin:
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


def place_rejects(source: Input, context: RunContext) -> RejectsFile:
    if context.options.rejects:
        path = context.options.rejects
    elif source.path:
        path = source.path.with_name(add_suffix(source.path.name, SUFFIX))
    else:
        folder = Folder(find_piped_rejects(context))
        return RejectsFile(folder, f"standard-input{SUFFIX}", replaces=False, make=make_private_folder)
    require_replaceable(path, source)
    return RejectsFile(Folder(path.parent), path.name, read_mode(source) if source.path else OWNER_ONLY)


def find_piped_rejects(context: RunContext) -> Path:
    """The folder for those of a pipe, which is gone afterwards: each run has a file of its own there."""
    return context.config.state_dir / "rejected"


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
