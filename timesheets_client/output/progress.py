"""Show the progress of an upload on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Never

from timesheets_client.output.streams import ResilientStream

if TYPE_CHECKING:
    from tqdm import tqdm


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

    def advance(self, entries: int, share: float | None) -> None:
        """Count entries that were sent. `share` is the share of the file that was read, if known."""
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
