"""Work on the files of a folder without following links in it."""

import errno
import os
import stat
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO, Self, cast

from timesheets_client.local_files import NO_FOLLOW, NO_WAIT, is_link, is_own, is_trusted, set_mode

HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
MAX_NAME_BYTES = 255


class Folder:
    """The files of a folder, by name. Each method may raise OSError.

    With a descriptor it stays the same folder, even if another folder or a link takes its path.
    """

    def __init__(self, path: Path, descriptor: int | None = None) -> None:
        self.path, self._descriptor = path, descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """The existing folder at `path`, which may be a link."""
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is not a folder" if path.exists() else "does not exist")
        return cls(path, os.open(path, os.O_RDONLY) if HAS_DESCRIPTORS else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def open_subfolder(self, name: str) -> "Folder":
        """Open a subfolder, or create it. Refuses a link and another user's folder."""
        with suppress(FileExistsError):
            os.mkdir(self._locate(name), dir_fd=self._descriptor)
        status = self.lstat(name)
        if status is None or is_link(status) or not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "is a link or a file, not a folder")
        parent = self.path.stat() if self._descriptor is None else os.fstat(self._descriptor)
        if not is_trusted(status, parent):
            raise PermissionError(errno.EPERM, "belongs to another user")
        descriptor = None
        if HAS_DESCRIPTORS:
            descriptor = self._open(name, os.O_RDONLY)
        return Folder(self.path / name, descriptor)

    def lstat(self, name: str) -> os.stat_result | None:
        """The status of the file or of the link itself; None if nothing has that name."""
        try:
            return os.stat(self._locate(name), dir_fd=self._descriptor, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list_names(self) -> list[str]:
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as found:
            return [each.name for each in found]

    def open_file(self, name: str) -> BinaryIO:
        """Open a regular file for reading."""
        if not NO_FOLLOW and (status := self.lstat(name)) and is_link(status):
            raise OSError(errno.ELOOP, "is a link")
        descriptor = self._open(name, os.O_RDONLY | NO_WAIT)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "is not a regular file")
        return cast("BinaryIO", os.fdopen(descriptor, "rb"))

    def open_or_create(self, name: str) -> BinaryIO:
        """Open a regular file for reading, and create it if it is missing."""
        with suppress(FileExistsError):
            # Users who can only read it may lock it too.
            self.create(name, 0o644).close()
        return self.open_file(name)

    def create(self, name: str, mode: int) -> BinaryIO:
        """Create a file for writing. Raises FileExistsError if a file or a link has that name."""
        descriptor = self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        return cast("BinaryIO", os.fdopen(descriptor, "wb"))

    def open_to_update(self, name: str, mode: int) -> BinaryIO:
        """Open a regular file of this user for reading and writing, or create it, and give it the mode."""
        file = os.fdopen(self._open(name, os.O_RDWR | os.O_CREAT | NO_WAIT, mode), "r+b")
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not is_own(status):
            file.close()
            raise PermissionError(errno.EPERM, "is not a file of this user")
        set_mode(file.fileno(), mode)
        return cast("BinaryIO", file)

    def rename(self, name: str, target: "Folder", new_name: str) -> None:
        """Move a file to `target`, where it replaces a file or link with the new name."""
        os.replace(
            self._locate(name),
            target._locate(new_name),  # noqa: SLF001  It is of the same class.
            src_dir_fd=self._descriptor,
            dst_dir_fd=target._descriptor,  # noqa: SLF001
        )

    def remove(self, name: str) -> None:
        os.unlink(self._locate(name), dir_fd=self._descriptor)

    def find_free_name(self, name: str) -> str:
        """`name`, or if that is taken, `week23-2.csv`, `week23-3.csv` and so on."""
        stem, dot, suffixes = name.partition(".")
        names = chain([name], (f"{stem}-{number}{dot}{suffixes}" for number in count(2)))
        return next(free for free in names if not self.lstat(free))

    def _open(self, name: str, flags: int, mode: int = 0) -> int:
        """A descriptor of what has the name and is no link."""
        return os.open(self._locate(name), flags | NO_FOLLOW, mode, dir_fd=self._descriptor)

    def _locate(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)


def add_suffix(name: str, suffix: str) -> str:
    """The name with the suffix, shortened to what file systems accept, with room for a number."""
    max_bytes = MAX_NAME_BYTES - len(suffix) - len("-100")
    # Whole characters, because macOS and Windows accept no parts of them.
    while len(os.fsencode(name)) > max_bytes:
        name = name[:-1]
    return f"{name}{suffix}"
