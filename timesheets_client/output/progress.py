"""Show on a terminal how far an upload is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Never

from timesheets_client.output.streams import ResilientStream

if TYPE_CHECKING:
    from tqdm import tqdm


class Progress:
    """How far a file is; shows nothing."""

    @contextmanager
    def follow(self, name: str) -> Iterator[None]:
        """Begin with a file, and end with it."""
        yield

    def advance(self, entries: int, share: float | None) -> None:
        """So many entries more are done, and with them this share of the file, if it is known."""

    def write(self, line: str) -> bool:
        """Write a line above, if something is shown. False if nothing is."""
        return False


class ProgressBar(Progress):
    """Entries, rate and time left, on `stream`."""

    def __init__(self, stream: ResilientStream) -> None:
        self._stream = stream
        self._bar: tqdm[Never] | None = None

    @contextmanager
    def follow(self, name: str) -> Iterator[None]:
        # Only few runs have a terminal.
        from tqdm import tqdm

        with tqdm(desc=name, unit=" entries", file=self._stream, leave=False, dynamic_ncols=True) as bar:
            self._bar = bar
            yield
        self._bar = None

    def advance(self, entries: int, share: float | None) -> None:
        if self._bar is None:
            return
        self._bar.update(entries)
        if share:
            # Entries are counted and bytes are known, so the whole can only be estimated.
            self._bar.total = max(self._bar.n, round(self._bar.n / share))

    def write(self, line: str) -> bool:
        if self._bar is None:
            return False
        self._bar.write(line, file=self._stream)
        return True
