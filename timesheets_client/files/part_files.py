"""Write a file piece by piece, so that a later run continues where this one was stopped.

The pieces go to FILE.part. FILE.checkpoint.part says what of it is complete, and the position of the next
piece. The next run cuts off what follows.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from timesheets_client.context import RunContext
from timesheets_client.errors import InputInUse
from timesheets_client.files.folders import add_suffix, explain_os_errors, is_same_file, lock
from timesheets_client.local_files import (
    OWNER_ONLY,
    is_own,
    open_regular,
    prepare_move,
    read_private_file,
    replace_file,
    set_mode,
)
from timesheets_files.printable import escape

# Far more than a checkpoint has.
MAX_CHECKPOINT_BYTES = 64 * 1024


class PartFile:
    """FILE.part, opened and locked as `file`, for one `request`. Each method may raise OSError."""

    def __init__(self, path: Path, file: BinaryIO, request: Mapping[str, object]) -> None:
        self._path, self._file, self._request = path, file, request
        self._sha256 = hashlib.sha256()
        self.checkpoint = path.with_name(add_suffix(path.name, ".checkpoint.part"))

    def resume(self) -> Mapping[str, Any] | None:
        """The position of the checkpoint, with the file as it was then.

        None, with an empty file, without a checkpoint of this request, or if the file was changed since.
        """
        try:
            saved = json.loads(read_private_file(self.checkpoint, MAX_CHECKPOINT_BYTES) or b"{}")
            if saved["request"] == self._request:
                self._file.truncate(saved["size"])
                self._sha256 = hashlib.file_digest(self._file, "sha256")  # type: ignore[arg-type]
                if self._sha256.hexdigest() == saved["sha256"]:
                    return dict(saved["position"])
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        self.checkpoint.unlink(missing_ok=True)
        self._file.seek(0)
        self._file.truncate()
        self._sha256 = hashlib.sha256()
        return None

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self._file.flush()
        self._sha256.update(content)

    def save(self, position: Mapping[str, object]) -> None:
        """Let another run continue here, with this position."""
        saved = {
            "request": self._request,
            "position": position,
            "size": self._file.tell(),
            "sha256": self._sha256.hexdigest(),
        }
        replace_file(self.checkpoint, [json.dumps(saved).encode()])

    def commit(self) -> None:
        """Flush the file to the disk and give it its name."""
        os.fsync(self._file.fileno())
        # First, so that a run that is killed now leaves no checkpoint beside the complete file.
        self.checkpoint.unlink(missing_ok=True)
        prepare_move(self._file)
        name_part(self._path).replace(self._path)


@contextmanager
def open_part_file(path: Path, request: Mapping[str, object], context: RunContext) -> Iterator[PartFile]:
    """The part file of `path`, locked. Raises InputInUse, and FileUnavailable or FileBlocked for OSError.

    After an error it stays only if there is a checkpoint.
    """
    place, shown = name_part(path), escape(str(path))
    with explain_os_errors(path, "entries cannot be written there", "name another file with --download"):
        file = open_regular(place, os.O_RDWR | os.O_CREAT)
        try:
            if not is_own(os.fstat(file.fileno())):
                raise PermissionError(errno.EPERM, "is not a file of this user")
            set_mode(file.fileno(), OWNER_ONLY)
            lock(file, shown, context.lock_wait_seconds, context.connection.clock, "downloading")
            if not is_same_file(file, place):
                raise InputInUse(f"{shown}: another run has just ended; run it again")
            part = PartFile(path, file, request)
            try:
                yield part
            except BaseException:
                with suppress(OSError):
                    if not part.checkpoint.exists():
                        prepare_move(file)
                        place.unlink()
                raise
        finally:
            # Closing flushes the buffer, for which the disk may have no space.
            with suppress(OSError):
                file.close()


def name_part(path: Path) -> Path:
    return path.with_name(add_suffix(path.name, ".part"))
