"""Write a file under a temporary name until it is complete, and explain errors of the disk."""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from timesheets_client.errors import FileBlocked, FileUnavailable
from timesheets_client.files.folders import Folder
from timesheets_client.files.locks import try_lock
from timesheets_client.local_files import is_in_use, set_mode
from timesheets_client.printable import escape

DRAFT = re.compile(r"\.rejected-[0-9a-f]{16}\.tmp")
OWNER_ONLY = 0o600
FULL = (errno.ENOSPC, errno.EDQUOT)


class Draft:
    """A temporary file, locked while it is open so that no other run removes it."""

    def __init__(self, folder: Folder) -> None:
        self._folder, self._name = folder, f".rejected-{secrets.token_hex(8)}.tmp"
        self._file = folder.create(self._name, OWNER_ONLY)
        try_lock(self._file)

    def write(self, content: bytes) -> None:
        self._file.write(content)

    def commit(self, name: str, mode: int) -> None:
        """Flush the file to the disk and rename it to `name`."""
        self._file.flush()
        set_mode(self._file.fileno(), mode)
        # Without it, a power cut can leave an empty file under the new name.
        os.fsync(self._file.fileno())
        self._file.close()
        self._folder.rename(self._name, self._folder, name)

    def discard(self) -> None:
        """Remove the file. Does nothing after `commit`."""
        # Closing flushes the buffer, for which the disk may have no space.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._folder.remove(self._name)


def remove_abandoned_drafts(folder: Folder) -> None:
    """Remove the drafts of killed runs. Ignores those that cannot be opened or removed."""
    with suppress(OSError):
        for name in filter(DRAFT.fullmatch, folder.list_names()):
            with suppress(OSError):
                with folder.open_file(name) as file:
                    is_abandoned = try_lock(file)
                # Only its own run locks a draft for longer, and Windows removes no open file.
                if is_abandoned:
                    folder.remove(name)


@contextmanager
def explain_os_errors(path: Path, problem: str, advice: str) -> Iterator[None]:
    """Raise FileUnavailable or FileBlocked in place of OSError."""
    try:
        yield
    except OSError as error:
        message = f"{escape(str(path))}: {problem}: {error.strerror}"
        if error.errno in FULL:
            raise FileUnavailable(f"{message}; make room there and run it again") from None
        if is_in_use(error):
            raise FileUnavailable(f"{message}: another program has it open; run it again later") from None
        raise FileBlocked(f"{message}; {advice}") from None
