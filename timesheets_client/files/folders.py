"""Work on the files of a folder, and never through a link that somebody puts there."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self, cast

# Windows has neither.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
MAX_NAME_BYTES = 255


class Folder:
    """The files of a folder by their names. Everything that it does raises OSError.

    With a descriptor it stays the same folder, whatever its path leads to later.
    """

    def __init__(self, path: Path, descriptor: int | None = None) -> None:
        self.path, self._descriptor = path, descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """The folder that exists at `path`, even by way of a link."""
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is not a folder" if path.exists() else "does not exist")
        return cls(path, os.open(path, os.O_RDONLY) if HAS_DESCRIPTORS else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def open_subfolder(self, name: str) -> "Folder":
        """The folder in this one, made if it is missing; no link, and no folder of a stranger."""
        with suppress(FileExistsError):
            os.mkdir(self._locate(name), dir_fd=self._descriptor)
        status = self.lstat(name)
        if status is None or not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "is a link or a file, not a folder")
        trusted = (os.geteuid(), 0, self._own_status().st_uid) if os.name == "posix" else (status.st_uid,)
        if status.st_uid not in trusted:
            raise PermissionError(errno.EPERM, "belongs to another user")
        descriptor = None
        if HAS_DESCRIPTORS:
            descriptor = os.open(name, os.O_RDONLY | NO_FOLLOW, dir_fd=self._descriptor)
        return Folder(self.path / name, descriptor)

    def lstat(self, name: str) -> os.stat_result | None:
        """What stands there, itself if it is a link; None if nothing does."""
        try:
            return os.stat(self._locate(name), dir_fd=self._descriptor, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list_names(self) -> list[str]:
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as found:
            return [each.name for each in found]

    def open_file(self, name: str) -> BinaryIO:
        """A regular file, for reading."""
        descriptor = os.open(self._locate(name), os.O_RDONLY | NO_FOLLOW | NO_WAIT, dir_fd=self._descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "is not a regular file")
        return cast("BinaryIO", os.fdopen(descriptor, "rb"))

    def open_or_create(self, name: str) -> BinaryIO:
        """The same, empty if it is new."""
        with suppress(FileExistsError):
            # Others may lock it, who can only read it.
            self.create(name, 0o644).close()
        return self.open_file(name)

    def create(self, name: str, mode: int) -> BinaryIO:
        """A new file, for writing. Raises FileExistsError where there is one, or a link."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW
        descriptor = os.open(self._locate(name), flags, mode, dir_fd=self._descriptor)
        return cast("BinaryIO", os.fdopen(descriptor, "wb"))

    def rename(self, name: str, place: "Folder", new_name: str) -> None:
        """Move a file. What has that name there, if only a link, is replaced."""
        os.replace(
            self._locate(name),
            place._locate(new_name),  # noqa: SLF001  Of the same class.
            src_dir_fd=self._descriptor,
            dst_dir_fd=place._descriptor,  # noqa: SLF001
        )

    def remove(self, name: str) -> None:
        os.unlink(self._locate(name), dir_fd=self._descriptor)

    def find_free_name(self, name: str) -> str:
        """`name`, or where that is taken `week23-2.csv`, `week23-3.csv` and so on."""
        stem, dot, suffixes = name.partition(".")
        number, free = 1, name
        while self.lstat(free):
            number += 1
            free = f"{stem}-{number}{dot}{suffixes}"
        return free

    def _own_status(self) -> os.stat_result:
        return self.path.stat() if self._descriptor is None else os.fstat(self._descriptor)

    def _locate(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)


def add_suffix(name: str, suffix: str) -> str:
    """The name with that suffix, cut where no file system takes it, with room for a number."""
    at_most = MAX_NAME_BYTES - len(suffix) - len("-100")
    return f"{os.fsdecode(os.fsencode(name)[:at_most])}{suffix}"
