"""Upload the finished files of a folder, oldest first, and move each to `done` or `rejected`."""

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
    ExitStatus,
    FileBlocked,
    FileUnavailable,
    InputInUse,
    InputUnreadable,
    UploadError,
)
from timesheets_client.files.drafts import OWNER_ONLY, Draft, explain_os_errors, remove_abandoned_drafts
from timesheets_client.files.folders import Folder, add_suffix
from timesheets_client.files.locks import lock, lock_input
from timesheets_client.files.rejects import SUFFIX, RejectsFile, read_mode
from timesheets_client.files.uploads import process_files, upload_file
from timesheets_client.local_files import is_link, may_be_in_use, prepare_move
from timesheets_client.output.report import Report, describe_bug
from timesheets_client.printable import escape
from timesheets_client.reading.inputs import Input

LOCK = ".lock"
DONE, REJECTED = "done", "rejected"
ERROR_SUFFIX = ".error.txt"
# Excel locks a workbook with a file such as ~$week23.xlsx.
HIDDEN = (".", "~$")
# Files that their writers have not finished, and rejects files.
IGNORED = (".tmp", ".part", SUFFIX)
ADVICE = "make the spool folder writable for this user, and remove any link of this name"


@dataclass(frozen=True, kw_only=True)
class Spool:
    folder: Folder
    done: Folder
    rejected: Folder


def upload_spool(path: Path, context: RunContext) -> ExitStatus:
    """Upload every file of the folder. Raises an UploadError that concerns more than one file."""
    with open_spool(path, context) as spool:
        names = find_files(spool.folder, context.report)
        return process_files(names, partial(upload_spool_file, spool=spool, context=context), context.report)


@contextmanager
def open_spool(path: Path, context: RunContext) -> Iterator[Spool]:
    """Open and lock the folder, and open its subfolders."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(Folder.open(path))
        except OSError as error:
            raise InputUnreadable(f"--spool {escape(str(path))}: {error.strerror}") from None
        done, rejected = (stack.enter_context(open_subfolder(folder, name)) for name in (DONE, REJECTED))
        with explain_os_errors(path / LOCK, "cannot be locked", ADVICE):
            lock_file = stack.enter_context(folder.open_or_create(LOCK))
        lock(lock_file, escape(str(path)), context.lock_wait_seconds, context.connection.clock)
        remove_abandoned_drafts(rejected)
        yield Spool(folder=folder, done=done, rejected=rejected)


def open_subfolder(folder: Folder, name: str) -> Folder:
    with explain_os_errors(folder.path / name, "cannot be used", ADVICE):
        return folder.open_subfolder(name)


def find_files(folder: Folder, report: Report) -> list[str]:
    """The finished files, oldest first. A writer finishes a file by renaming it into place."""
    found = []
    for name in folder.list_names():
        status = folder.lstat(name)
        # On Windows, week23.TMP is as unfinished as week23.tmp.
        if status is None or name.startswith(HIDDEN) or os.path.normcase(name).endswith(IGNORED):
            continue
        if is_link(status):
            report.show_problem(f"{escape(str(folder.path / name))}: is a symbolic link and is skipped")
        elif stat.S_ISREG(status.st_mode):
            found.append((status.st_mtime_ns, name))
    return [name for _, name in sorted(found)]


def upload_spool_file(name: str, spool: Spool, context: RunContext) -> ExitStatus:
    source = None
    with ExitStack() as stack:
        try:
            source = stack.enter_context(lock_input(open_spool_file(name, spool.folder), context))
            return upload_file(source, SpoolRejects(name, source, spool), context)
        except InputUnreadable as error:
            set_aside(name, source, spool, str(error))
            raise
        except UploadError:
            raise
        except Exception as error:
            # Otherwise every later run would fail on this file.
            set_aside(name, source, spool, describe_bug(error))
            raise


def open_spool_file(name: str, folder: Folder) -> Input:
    path = folder.path / name
    shown = escape(str(path))
    try:
        file = folder.open_file(name)
    except FileNotFoundError:
        raise InputInUse(f"{shown}: was moved away just now") from None
    except OSError as error:
        if may_be_in_use(error):
            problem = "another program has it open, or this user may not read it"
            raise InputInUse(f"{shown}: {error.strerror}: {problem}; run it again later") from None
        raise InputUnreadable(f"{shown}: cannot be read: {error.strerror}") from None
    return Input(name=shown, file=file, path=path, given=str(path))


class SpoolRejects(RejectsFile):
    """Commits the rejects and moves their file to `done` or `rejected`, or does neither."""

    advice = ADVICE

    def __init__(self, name: str, source: Input, spool: Spool) -> None:
        super().__init__(spool.rejected, add_suffix(name, SUFFIX), read_mode(source), replaces=False)
        self._move = partial(move, name, source, spool.folder)
        self._spool = spool

    def commit(self, *, is_file_refused: bool = False) -> Path | None:
        kept = super().commit()
        try:
            # If --strict refuses a file, none of it is stored.
            self._move(self._spool.rejected if is_file_refused else self._spool.done)
        except (FileBlocked, FileUnavailable):
            # The file stays in the spool folder, and the next run writes its rejects again.
            if kept:
                self._folder.remove(kept.name)
            raise
        return kept


def set_aside(name: str, source: Input | None, spool: Spool, reason: str) -> None:
    """Move an unreadable file to `rejected`, and write the reason to a file next to it."""
    error_name = add_suffix(spool.rejected.find_free_name(name), ERROR_SUFFIX)
    with explain_os_errors(spool.rejected.path / error_name, "cannot be written", ADVICE):
        # It quotes the file, so the same users may read it.
        status = spool.folder.lstat(name)
        mode = OWNER_ONLY | (stat.S_IMODE(status.st_mode) & 0o777 if status else 0)
        write_reason(error_name, f"{escape(reason)}\n".encode(), spool.rejected, mode)
    try:
        move(name, source, spool.folder, spool.rejected)
    except UploadError:
        spool.rejected.remove(error_name)
        raise


def write_reason(name: str, content: bytes, folder: Folder, mode: int) -> None:
    status = folder.lstat(name)
    if status and not stat.S_ISREG(status.st_mode):
        raise FileExistsError(errno.EEXIST, "a link or a folder has this name")
    draft = Draft(folder)
    try:
        draft.write(content)
        draft.commit(name, mode)
    finally:
        draft.discard()


def move(name: str, source: Input | None, folder: Folder, target: Folder) -> None:
    """Move the file that `source` was opened from. Raises InputInUse if another file replaced it."""
    advice = "until it can be moved, each run uploads it again"
    with explain_os_errors(folder.path / name, f"cannot be moved to {escape(str(target.path))}", advice):
        opened = os.fstat(source.file.fileno()) if source else None
        if source:
            prepare_move(source.file)
        new_name = target.find_free_name(name)
        folder.rename(name, target, new_name)
        moved = target.lstat(new_name)
        if opened is None or (moved and os.path.samestat(moved, opened)):
            return
        target.rename(new_name, folder, folder.find_free_name(name))
    raise InputInUse(f"{escape(str(folder.path / name))}: was replaced during the upload; run it again")
