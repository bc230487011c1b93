"""Write to streams that may be closed, full or unable to encode what is written."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol


class TextStream(Protocol):
    @property
    def encoding(self) -> str | None: ...
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def fileno(self) -> int: ...


class ResilientStream:
    """A stream that ends no run: what it cannot encode is escaped, and after a failure it takes nothing more.

    `tell` gets the reason of that failure. A stream that is None is one that was closed before the start.
    """

    def __init__(self, stream: TextStream | None, tell: Callable[[str], object] = lambda _: None) -> None:
        self._stream, self._tell = stream, tell
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
            self._tell(getattr(error, "strerror", None) or "it is closed")
        except BaseException:
            # A signal, while a reader does not read: the end of the program must not wait for that again.
            silence(self._stream)
            raise

    def flush(self) -> None:
        """Nothing is left to do."""

    def fileno(self) -> int:
        """As the progress bar needs it, to measure the terminal."""
        return self._stream.fileno() if self._stream else -1


def silence(stream: TextStream) -> None:
    """Let what it still holds go nowhere, else Python's own flush at the end fails and sets the status."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
