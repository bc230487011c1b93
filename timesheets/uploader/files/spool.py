"""Upload the finished files of a folder, oldest first, and put each where its end tells."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from timesheets.uploader.errors import ConfigurationError, ExitStatus, InputUnreadable, choose_status
from timesheets.uploader.files.locks import lock
from timesheets.uploader.files.named import guard_file, open_locked, read_mode
from timesheets.uploader.files.rejects import SUFFIX, RejectsFile, find_free_path
from timesheets.uploader.files.uploads import upload_file
from timesheets.uploader.runs import Run

LOCK = ".lock"
DONE, REJECTED = "done", "rejected"
# Files that their writers have not finished, and our own.
UNFINISHED = (".tmp", ".part", SUFFIX)


def upload_spool(folder: Path, run: Run) -> ExitStatus:
    """Upload every file of the folder. Raises an UploadError where the rest has to wait."""
    with prepared(folder, run):
        return choose_status(
            [guard_file(partial(upload_spooled, path, run), run.report) for path in find_files(folder)]
        )


@contextmanager
def prepared(folder: Path, run: Run) -> Iterator[None]:
    """The folder with all that belongs to it, locked."""
    try:
        for name in (DONE, REJECTED):
            (folder / name).mkdir(exist_ok=True)
        (folder / LOCK).touch()
        guard = (folder / LOCK).open("rb")
    except OSError as error:
        raise ConfigurationError(f"--spool {folder}: {error.filename}: {error.strerror}") from None
    with guard:
        pacing = run.surroundings.pacing
        wait = run.options.lock_wait_seconds
        lock(guard, str(folder), wait, monotonic=pacing.monotonic, sleep=pacing.sleep)
        yield


def find_files(folder: Path) -> list[Path]:
    """The files that are finished, since writers rename them into place; oldest first."""
    with os.scandir(folder) as found:
        files = [
            (file.stat().st_mtime_ns, file.name)
            for file in found
            if file.is_file() and not file.name.startswith(".") and not file.name.endswith(UNFINISHED)
        ]
    return [folder / name for _, name in sorted(files)]


def upload_spooled(path: Path, run: Run) -> ExitStatus:
    rejected = path.parent / REJECTED
    try:
        with open_locked(str(path), run) as source:
            rejects = RejectsFile(find_free_path(rejected / f"{path.name}{SUFFIX}"), read_mode(source))
            status = upload_file(source, rejects, run)
            move(path, find_free_path(path.parent / DONE / path.name))
            return status
    except InputUnreadable as error:
        place = find_free_path(rejected / path.name)
        move(path, place)
        place.with_name(f"{place.name}.error.txt").write_text(f"{error}\n")
        raise


def move(path: Path, place: Path) -> None:
    try:
        path.rename(place)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be moved to {place}: {error.strerror}; until it can, each run uploads it again"
        ) from None
