"""Upload the finished files of a folder, oldest first, and move each to `done` or `rejected`."""

import errno
import os
import stat
from contextlib import ExitStack, suppress
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
from timesheets_client.files.folders import (
    add_suffix,
    explain_os_errors,
    find_free_path,
    lock,
    lock_input,
    stay_in,
)
from timesheets_client.files.rejects import SUFFIX, RejectsFile, read_mode
from timesheets_client.files.uploads import process_files, upload_file
from timesheets_client.local_files import (
    OWNER_ONLY,
    is_link,
    leads_elsewhere,
    may_be_in_use,
    open_regular,
    prepare_move,
    replace_file,
)
from timesheets_client.output.report import Report, describe_bug
from timesheets_client.reading.inputs import Input
from timesheets_files.printable import escape

LOCK = ".lock"
DONE, REJECTED = "done", "rejected"
ERROR_SUFFIX = ".error.txt"
# Excel locks a workbook with a file such as ~$week23.xlsx.
HIDDEN = (".", "~$")
# Files that their writers have not finished, and rejects files.
IGNORED = (".tmp", ".part", SUFFIX)
ADVICE = "make the spool folder writable for this user, and remove any link of this name"


def upload_spool(spool: Path, context: RunContext) -> ExitStatus:
    """Upload every file of the folder. Raises an UploadError that concerns more than one file."""
    shown = escape(str(spool))
    if not spool.is_dir():
        raise InputUnreadable(f"--spool {shown}: is missing or is not a folder")
    for name in (DONE, REJECTED):
        with explain_os_errors(spool / name, "cannot be used", ADVICE), stay_in(spool / name):
            pass
    with explain_os_errors(spool / LOCK, "cannot be locked", ADVICE):
        with suppress(FileExistsError):
            # Users who can only read it may lock it too.
            (spool / LOCK).touch(0o644, exist_ok=False)
        lock_file = open_regular(spool / LOCK)
    with lock_file:
        lock(lock_file, shown, context.options.lock_wait_seconds, context.connection.clock)
        upload = partial(upload_spool_file, context=context)
        return process_files(find_files(spool, context.report), upload, context.report)


def find_files(spool: Path, report: Report) -> list[Path]:
    """The finished files, oldest first. A writer finishes a file by renaming it into place."""
    found = []
    for path in spool.iterdir():
        # On Windows, week23.TMP is as unfinished as week23.tmp.
        if path.name.startswith(HIDDEN) or os.path.normcase(path.name).endswith(IGNORED):
            continue
        with suppress(FileNotFoundError):
            status = path.lstat()
            if is_link(status):
                report.show_problem(f"{escape(str(path))}: is a symbolic link and is skipped")
            elif stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def upload_spool_file(path: Path, context: RunContext) -> ExitStatus:
    source = None
    with ExitStack() as stack:
        try:
            source = stack.enter_context(lock_input(open_spool_file(path), context))
            return upload_file(source, SpoolRejects(path, source), context)
        except Exception as error:
            is_bug = not isinstance(error, UploadError)
            # Otherwise every later run would fail on this file.
            if is_bug or isinstance(error, InputUnreadable):
                set_aside(path, source, describe_bug(error) if is_bug else str(error))
            raise


def open_spool_file(path: Path) -> Input:
    shown = escape(str(path))
    try:
        file = open_regular(path)
    except FileNotFoundError:
        raise InputInUse(f"{shown}: was moved away just now") from None
    except OSError as error:
        if may_be_in_use(error):
            problem = "another program has it open, or this user may not read it"
            raise InputInUse(f"{shown}: {error.strerror}: {problem}; run it again later") from None
        raise InputUnreadable(f"{shown}: cannot be read: {error.strerror}") from None
    return Input(name=shown, file=file, path=path, given=str(path))


class SpoolRejects(RejectsFile):
    """Commits the rejects of `path` and moves it to `done` or `rejected`, or does neither."""

    advice = ADVICE

    def __init__(self, path: Path, source: Input) -> None:
        rejects = path.parent / REJECTED / add_suffix(path.name, SUFFIX)
        super().__init__(rejects, read_mode(source), replaces=False, prepare=stay_in)
        self._move = partial(move, path, source)

    def commit(self, *, is_file_refused: bool = False) -> Path | None:
        kept = super().commit()
        try:
            # If --strict refuses a file, none of it is stored.
            self._move(REJECTED if is_file_refused else DONE)
        except (FileBlocked, FileUnavailable):
            # The file stays in the spool folder, and the next run writes its rejects again.
            if kept:
                kept.unlink()
            raise
        return kept


def set_aside(path: Path, source: Input | None, reason: str) -> None:
    """Move an unreadable file to `rejected`, and write the reason to a file next to it."""
    name = find_free_path(path.parent / REJECTED / path.name).name
    error_path = path.parent / REJECTED / add_suffix(name, ERROR_SUFFIX)
    with explain_os_errors(error_path, "cannot be written", ADVICE), stay_in(error_path.parent) as folder:
        stable_path = folder / error_path.name
        if leads_elsewhere(stable_path) or stable_path.is_dir():
            raise FileExistsError(errno.EEXIST, "a link or a folder has this name")
        # It quotes the file, so the same users may read it.
        mode = path.lstat().st_mode & 0o777 if os.path.lexists(path) else 0
        replace_file(stable_path, [f"{escape(reason)}\n".encode()], OWNER_ONLY | mode)
    try:
        move(path, source, REJECTED)
    except UploadError:
        error_path.unlink()
        raise


def move(path: Path, source: Input | None, name: str) -> None:
    """Move the file that `source` was opened from to this subfolder of its folder.

    Raises InputInUse if another file replaced it.
    """
    folder = path.parent / name
    advice = "until it can be moved, each run uploads it again"
    problem = f"cannot be moved to {escape(str(folder))}"
    with explain_os_errors(path, problem, advice), stay_in(folder) as stable:
        opened = os.fstat(source.file.fileno()) if source else None
        if source:
            prepare_move(source.file)
        moved = path.replace(find_free_path(stable / path.name))
        if opened is None or os.path.samestat(moved.lstat(), opened):
            return
        moved.replace(find_free_path(path))
    raise InputInUse(f"{escape(str(path))}: was replaced during the upload; run it again")
