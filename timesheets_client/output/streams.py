"""Write to streams that may be closed or full, or cannot encode some characters."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO


class ResilientStream:
    """Never fails. It escapes what the stream cannot encode, and after a failure it drops all further text.

    `on_failure` gets the reason, unless a reader such as `head` has had enough. `stream` is None if it was
    closed before the start.
    """

    def __init__(self, stream: TextIO | None, on_failure: Callable[[str], object] = lambda _: None) -> None:
        self._stream, self._on_failure = stream, on_failure
        self.encoding = getattr(stream, "encoding", None) or "utf-8"

    def write_line(self, line: str) -> None:
        self.write(f"{line}\n")

    def write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            self._stream.flush()
        except (OSError, ValueError) as error:
            silence(self._stream)
            self._stream = None
            if not isinstance(error, BrokenPipeError):
                self._on_failure(getattr(error, "strerror", None) or "it is closed")
        except BaseException:
            # A signal arrived while the reader blocks. The program's end must not block there again.
            silence(self._stream)
            raise

    def flush(self) -> None:
        """Does nothing, because `write` flushes."""

    def fileno(self) -> int:
        """For the progress bar, which measures the terminal."""
        return self._stream.fileno() if self._stream else -1


def silence(stream: TextIO) -> None:
    """Redirect the stream to the null device; else Python's final flush fails and sets the exit status."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
