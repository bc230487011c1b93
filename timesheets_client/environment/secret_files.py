"""Read a secret from a file that only its owner can read."""

import os
import stat
from pathlib import Path

from timesheets_client.errors import ConfigurationError

BYTES_AT_MOST = 16 * 1024


def read_secret_file(path: str) -> str:
    """The file's text without its last newline. Raises ConfigurationError, in words that follow a name."""
    # Without a slash it may be the secret itself, set under the wrong name.
    shown = path if "/" in path else "its file"
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(BYTES_AT_MOST)
    except OSError as error:
        raise ConfigurationError(f"{shown} cannot be read: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"other users can read {shown}: chmod 600 {shown}")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown} is not text in UTF-8") from None
    if not secret:
        raise ConfigurationError(f"{shown} is empty")
    return secret
