"""Read and write files that belong to one user and are closed to all others."""

import errno
import os
import tempfile
from pathlib import Path

from timesheets_client.errors import ConfigurationError
from timesheets_client.local_files import NO_FOLLOW, is_closed_to_others, is_own, leads_elsewhere

MAX_SECRET_BYTES = 16 * 1024


def make_private_folder(folder: Path) -> None:
    """Create the folder, or close it to other users. Raises OSError for a link or another user's folder."""
    if leads_elsewhere(folder):
        raise OSError(errno.ELOOP, "it is a symbolic link")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if not is_own(status):
        raise PermissionError(errno.EPERM, "it belongs to another user")
    if not is_closed_to_others(status):
        folder.chmod(0o700)


def read_private_file(path: Path, max_bytes: int) -> bytes | None:
    """The content; None if the file is missing, is a link, or is not closed to other users."""
    try:
        content, status = read_file(path, max_bytes, NO_FOLLOW)
    except OSError:
        return None
    return content if is_own(status) and is_closed_to_others(status) else None


def read_secret_file(path: str) -> str:
    """The text without its last newline. Follows links, as Kubernetes mounts a secret as a link.

    Raises ConfigurationError with a text that follows the variable's name.
    """
    # A value without a slash may be the secret itself, set under the wrong name.
    shown = "its file" if path == Path(path).name else path
    try:
        content, status = read_file(Path(path), MAX_SECRET_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{shown} cannot be read: {error.strerror}") from None
    if not is_closed_to_others(status):
        raise ConfigurationError(f"other users can read {shown}: chmod 600 {shown}")
    try:
        # Editors on Windows write a byte order mark.
        secret = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown} is not UTF-8 text") from None
    if not secret:
        raise ConfigurationError(f"{shown} is empty")
    return secret


def read_file(path: Path, max_bytes: int, flags: int = 0) -> tuple[bytes, os.stat_result]:
    """The content, and the status of the same opened file. `flags` are passed to os.open."""
    with open(path, "rb", opener=lambda name, default: os.open(name, default | flags)) as file:
        return file.read(max_bytes), os.fstat(file.fileno())


def replace_private_file(path: Path, content: bytes) -> None:
    """Write the file atomically: a reader sees the old content or the new. Raises OSError."""
    # mkstemp creates the file with mode 0600.
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            # Otherwise a power cut can leave an empty file under the new name.
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
