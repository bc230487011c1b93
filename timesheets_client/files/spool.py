"""Upload the finished files of a folder, oldest first, and put each where its end tells."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from timesheets_client.context import RunContext
from timesheets_client.errors import (
    ConfigurationError,
    DiskFull,
    ExitStatus,
    InputInUse,
    InputUnreadable,
    UploadError,
    choose_status,
)
from timesheets_client.files.drafts import OWNER_ONLY, Draft, explain_os_errors, remove_abandoned_drafts
from timesheets_client.files.folders import Folder, add_suffix
from timesheets_client.files.locks import lock, lock_input
from timesheets_client.files.rejects import SUFFIX, RejectsFile, read_mode
from timesheets_client.files.uploads import guard_file, upload_file
from timesheets_client.output.report import Report
from timesheets_client.printable import escape
from timesheets_client.reading.inputs import Input

LOCK = ".lock"
DONE, REJECTED = "done", "rejected"
ERROR_SUFFIX = ".error.txt"
# Files that their writers have not finished, and our own.
UNFINISHED = (".tmp", ".part", SUFFIX)
MAKE_IT_WRITABLE = "make it a folder that this user can write, and in which no link stands in the way"


@dataclass(frozen=True, kw_only=True)
class Spool:
    folder: Folder
    done: Folder
    rejected: Folder


def upload_spool(path: Path, context: RunContext) -> ExitStatus:
    """Upload every file of the folder. Raises an UploadError where the rest has to wait."""
    with open_spool(path, context) as spool:
        return choose_status(
            [
                guard_file(partial(upload_spool_file, name, spool, context), context.report)
                for name in find_files(spool.folder, context.report)
            ]
        )


@contextmanager
def open_spool(path: Path, context: RunContext) -> Iterator[Spool]:
    """The folder with all that belongs to it, locked."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(Folder.open(path))
        except OSError as error:
            raise InputUnreadable(f"--spool {escape(str(path))}: {error.strerror}") from None
        done, rejected = (stack.enter_context(open_subfolder(folder, name)) for name in (DONE, REJECTED))
        with explain_os_errors(path / LOCK, "cannot be locked", MAKE_IT_WRITABLE):
            guard = stack.enter_context(folder.open_or_create(LOCK))
        lock(guard, escape(str(path)), context.lock_wait_seconds, context.environment.clock)
        remove_abandoned_drafts(rejected)
        yield Spool(folder=folder, done=done, rejected=rejected)


def open_subfolder(folder: Folder, name: str) -> Folder:
    with explain_os_errors(folder.path / name, "cannot be used", MAKE_IT_WRITABLE):
        return folder.open_subfolder(name)


def find_files(folder: Folder, report: Report) -> list[str]:
    """The files that are finished, since writers rename them into place; oldest first."""
    found = []
    for name in folder.list_names():
        status = folder.lstat(name)
        if status is None or name.startswith(".") or name.endswith(UNFINISHED):
            continue
        if stat.S_ISLNK(status.st_mode):
            report.show_problem(f"{escape(str(folder.path / name))}: is a symbolic link and is passed over")
        elif stat.S_ISREG(status.st_mode):
            found.append((status.st_mtime_ns, name))
    return [name for _, name in sorted(found)]


def upload_spool_file(name: str, spool: Spool, context: RunContext) -> ExitStatus:
    try:
        source = open_spool_file(name, spool.folder)
    except InputUnreadable as error:
        set_aside(name, None, spool, error)
        raise
    with lock_input(source, context):
        try:
            return upload_file(source, SpoolRejects(name, source, spool), context)
        except InputUnreadable as error:
            set_aside(name, source, spool, error)
            raise


def open_spool_file(name: str, folder: Folder) -> Input:
    path = folder.path / name
    shown = escape(str(path))
    try:
        file = folder.open_file(name)
    except FileNotFoundError:
        raise InputInUse(f"{shown}: was moved away just now") from None
    except OSError as error:
        raise InputUnreadable(f"{shown}: cannot be read: {error.strerror}") from None
    return Input(name=shown, file=file, path=path, given=str(path))


class SpoolRejects(RejectsFile):
    """Committed together with the move of its file to `done` or `rejected`, or not at all."""

    advice = MAKE_IT_WRITABLE

    def __init__(self, name: str, source: Input, spool: Spool) -> None:
        super().__init__(spool.rejected, add_suffix(name, SUFFIX), read_mode(source), replaces=False)
        self._move = partial(move, name, source, spool.folder)
        self._spool = spool

    def commit(self, *, is_file_refused: bool = False) -> Path | None:
        kept = super().commit()
        try:
            # Nothing of a file that --strict refuses is stored.
            self._move(self._spool.rejected if is_file_refused else self._spool.done)
        except (ConfigurationError, DiskFull):
            # The file stays, and the next run keeps these again.
            if kept:
                self._folder.remove(kept.name)
            raise
        return kept


def set_aside(name: str, source: Input | None, spool: Spool, reason: InputUnreadable) -> None:
    """Move an unreadable file to `rejected`, beside a file with the reason."""
    place = spool.rejected.find_free_name(name)
    told = add_suffix(place, ERROR_SUFFIX)
    with explain_os_errors(spool.rejected.path / told, "cannot be written", MAKE_IT_WRITABLE):
        # It quotes the file, so it is readable for the same users.
        before = spool.folder.lstat(name)
        mode = OWNER_ONLY | (stat.S_IMODE(before.st_mode) & 0o777 if before else 0)
        write_reason(told, f"{escape(str(reason))}\n".encode(), spool.rejected, mode)
    try:
        move(name, source, spool.folder, spool.rejected)
    except UploadError:
        spool.rejected.remove(told)
        raise


def write_reason(name: str, content: bytes, folder: Folder, mode: int) -> None:
    before = folder.lstat(name)
    if before and not stat.S_ISREG(before.st_mode):
        raise FileExistsError(errno.EEXIST, "a link or a folder stands in the way")
    draft = Draft(folder)
    try:
        draft.write(content)
        draft.commit(name, mode)
    finally:
        draft.discard()


def move(name: str, source: Input | None, folder: Folder, place: Folder) -> None:
    """Move the file that `source` was opened from. Raises InputInUse where another has taken its place."""
    advice = "until it can, each run uploads it again"
    with explain_os_errors(folder.path / name, f"cannot be moved to {escape(str(place.path))}", advice):
        new_name = place.find_free_name(name)
        folder.rename(name, place, new_name)
        moved = place.lstat(new_name)
        if source is None or (moved and os.path.samestat(moved, os.fstat(source.file.fileno()))):
            return
        place.rename(new_name, folder, folder.find_free_name(name))
    raise InputInUse(f"{escape(str(folder.path / name))}: was replaced while it was read; run it again")
