"""Write a file under another name until it is whole, and tell what a disk refuses."""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from timesheets_client.errors import ConfigurationError, DiskFull
from timesheets_client.files.folders import Folder
from timesheets_client.files.locks import try_lock
from timesheets_client.printable import escape

DRAFT = re.compile(r"\.rejected-[0-9a-f]{16}\.tmp")
OWNER_ONLY = 0o600
FULL = (errno.ENOSPC, errno.EDQUOT)


class Draft:
    """A new file of the folder, which is no other run's to remove as long as it is open."""

    def __init__(self, folder: Folder) -> None:
        self._folder, self._name = folder, f".rejected-{secrets.token_hex(8)}.tmp"
        self._file = folder.create(self._name, OWNER_ONLY)
        try_lock(self._file)

    def write(self, content: bytes) -> None:
        self._file.write(content)

    def commit(self, name: str, mode: int) -> None:
        """Take the place of `name`, whole and on the disk."""
        self._file.flush()
        # Windows has no such modes.
        if hasattr(os, "fchmod"):
            os.fchmod(self._file.fileno(), mode)
        # Without it a power cut may leave the new name with nothing in it.
        os.fsync(self._file.fileno())
        self._file.close()
        self._folder.rename(self._name, self._folder, name)

    def discard(self) -> None:
        """Leave nothing behind. Does nothing after `commit`."""
        with suppress(OSError):
            self._folder.remove(self._name)
        # It writes what it still holds, and there may be no room for that.
        with suppress(OSError):
            self._file.close()


def remove_abandoned_drafts(folder: Folder) -> None:
    """Remove what runs left that were killed. Whatever can't be looked at stays."""
    with suppress(OSError):
        for name in filter(DRAFT.fullmatch, folder.list_names()):
            with suppress(OSError), folder.open_file(name) as file:
                if try_lock(file):
                    folder.remove(name)


@contextmanager
def explain_os_errors(path: Path, problem: str, advice: str) -> Iterator[None]:
    """Raise DiskFull or ConfigurationError in place of OSError."""
    try:
        yield
    except OSError as error:
        shown = escape(str(path))
        if error.errno in FULL:
            raise DiskFull(
                f"{shown}: {problem}: {error.strerror}; make room there and run it again"
            ) from None
        raise ConfigurationError(f"{shown}: {problem}: {error.strerror}; {advice}") from None
