"""Write lines and progress to streams that may be closed or full, or cannot encode some characters."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Never, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm


class ResilientStream:
    """Never fails. It escapes what the stream cannot encode, and after a failure it drops all further text.

    `on_failure` gets the reason, unless a reader such as `head` has had enough. `stream` is None if it was
    closed before the start.
    """

    def __init__(self, stream: TextIO | None, on_failure: Callable[[str], object] = lambda _: None) -> None:
        # Django wraps None if the descriptor was closed.
        self._stream = stream if hasattr(stream, "encoding") else None
        self._on_failure = on_failure
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
        """Do nothing, because `write` flushes."""

    def fileno(self) -> int:
        """For the progress bar, which measures the terminal."""
        return self._stream.fileno() if self._stream else -1


def silence(stream: TextIO) -> None:
    """Redirect the stream to the null device; else Python's final flush fails and sets the exit status."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


class ProgressBar:
    """Shows entries, rate and time left on `stream`. Without a stream it shows nothing."""

    def __init__(self, stream: ResilientStream | None = None) -> None:
        self._stream = stream
        self._bar: tqdm[Never] | None = None

    @contextmanager
    def follow(self, name: str) -> Iterator[None]:
        """Show the bar for the file `name` until the end of the context."""
        if self._stream is None:
            yield
            return
        # Slow to import, and few runs have a terminal.
        from tqdm import tqdm

        with tqdm(desc=name, unit=" entries", file=self._stream, leave=False, dynamic_ncols=True) as bar:
            self._bar = bar
            yield
        self._bar = None

    def advance(self, entries: int, share: float = 0) -> None:
        """Count entries that were sent. `share` is the share of the file that was read; 0 if unknown."""
        if self._bar is None:
            return
        self._bar.update(entries)
        if share:
            # The size is known in bytes, so the total of entries is an estimate.
            self._bar.total = max(self._bar.n, round(self._bar.n / share))

    def write(self, line: str) -> bool:
        """Write a line above the bar. False if there is no bar."""
        if self._bar is None:
            return False
        self._bar.write(line, file=self._stream)
        return True
