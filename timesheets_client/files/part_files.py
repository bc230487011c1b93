"""Write a file piece by piece, so that a later run continues where this one was stopped.

The pieces go to FILE.part. After each, a checkpoint is appended to FILE.journal.part: what FILE.part
holds, and the position of the next piece. A run that is killed at any point leaves a last complete
checkpoint, and the next run cuts off what follows it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from timesheets_client.context import RunContext
from timesheets_client.errors import InputInUse
from timesheets_client.files.drafts import OWNER_ONLY, explain_os_errors
from timesheets_client.files.folders import Folder, add_suffix
from timesheets_client.files.locks import lock
from timesheets_client.local_files import prepare_move
from timesheets_client.printable import escape

CHUNK_BYTES = 1024 * 1024
# Far more than the last two checkpoints.
MAX_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where another run can continue, if its `request` is equal."""

    request: Mapping[str, object]
    position: Mapping[str, Any]
    # Of the content of FILE.part.
    size: int
    sha256: str

    @classmethod
    def decode(cls, line: bytes) -> Self | None:
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            return None

    def encode(self) -> bytes:
        return b"%b\n" % json.dumps(asdict(self)).encode()


class PartFile:
    """FILE.part, locked, with its journal. Each method may raise OSError."""

    def __init__(self, path: Path, file: BinaryIO, request: Mapping[str, object]) -> None:
        self._path, self._folder, self._file, self._request = path, Folder(path.parent), file, request
        self._journal_name = add_suffix(path.name, ".journal.part")
        self._journal = self._folder.open_to_update(self._journal_name, OWNER_ONLY)
        self._sha256, self._size = hashlib.sha256(), 0
        self._is_worthless = False

    def resume(self) -> Mapping[str, Any] | None:
        """The position of the last checkpoint, with the file as it was then.

        None, with an empty file, without a checkpoint of this request, or if the file was changed since.
        """
        checkpoint, end = read_last_checkpoint(self._journal)
        if not (checkpoint and checkpoint.request == self._request and self._has(checkpoint)):
            checkpoint, end, self._size, self._sha256 = None, 0, 0, hashlib.sha256()
            self._is_worthless = True
        for file, size in ((self._file, self._size), (self._journal, end)):
            file.truncate(size)
            file.seek(size)
        return checkpoint.position if checkpoint else None

    def _has(self, checkpoint: Checkpoint) -> bool:
        """Whether the file begins with what it held at the checkpoint."""
        self._file.seek(0)
        while chunk := self._file.read(min(CHUNK_BYTES, checkpoint.size - self._size)):
            self._sha256.update(chunk)
            self._size += len(chunk)
        return self._sha256.hexdigest() == checkpoint.sha256

    def rewind(self) -> BinaryIO:
        """The file, at its beginning. Read all of it before the next `write`."""
        self._file.seek(0)
        return self._file

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self._file.flush()
        self._sha256.update(content)
        self._size += len(content)

    def add_checkpoint(self, position: Mapping[str, object]) -> None:
        checkpoint = Checkpoint(
            request=self._request, position=position, size=self._size, sha256=self._sha256.hexdigest()
        )
        self._journal.write(checkpoint.encode())
        self._journal.flush()
        self._is_worthless = False

    def commit(self) -> None:
        """Flush the file to the disk and give it its name."""
        os.fsync(self._file.fileno())
        self._journal.close()
        # First, so that a run that is killed now leaves no journal beside the complete file.
        self._folder.remove(self._journal_name)
        prepare_move(self._file)
        self._folder.rename(name_part(self._path), self._folder, self._path.name)
        self._is_worthless = False

    def close(self) -> None:
        """Close the journal. Removes both files if there is no checkpoint."""
        # Closing flushes the buffer, for which the disk may have no space.
        with suppress(OSError):
            self._journal.close()
        if self._is_worthless:
            for name in (self._journal_name, name_part(self._path)):
                with suppress(OSError):
                    self._folder.remove(name)


@contextmanager
def open_part_file(path: Path, request: Mapping[str, object], context: RunContext) -> Iterator[PartFile]:
    """The part file of `path`, locked. Raises InputInUse, and FileUnavailable or FileBlocked for OSError."""
    folder, shown = Folder(path.parent), escape(str(path))
    with explain_os_errors(path, "entries cannot be written there", "name another file with --download"):
        file = folder.open_to_update(name_part(path), OWNER_ONLY)
        try:
            lock(file, shown, context.lock_wait_seconds, context.connection.clock, "downloading")
            status = folder.lstat(name_part(path))
            if status is None or not os.path.samestat(status, os.fstat(file.fileno())):
                raise InputInUse(f"{shown}: another run has just ended; run it again")
            part = PartFile(path, file, request)
            try:
                yield part
            finally:
                part.close()
        finally:
            with suppress(OSError):
                file.close()


def name_part(path: Path) -> str:
    return add_suffix(path.name, ".part")


def read_last_checkpoint(journal: BinaryIO) -> tuple[Checkpoint | None, int]:
    """The last checkpoint, and where it ends. A line that was cut off is no checkpoint."""
    size = journal.seek(0, os.SEEK_END)
    start = journal.seek(max(0, size - MAX_TAIL_BYTES))
    lines, _, _ = journal.read().rpartition(b"\n")
    return Checkpoint.decode(lines.rpartition(b"\n")[2]), start + len(lines) + 1
