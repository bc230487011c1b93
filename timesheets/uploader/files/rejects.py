"""Keep what was refused for good in a file that can be mended and sent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from timesheets.uploader.errors import ConfigurationError
from timesheets.uploader.reading.entries import ENTRY_ID, REJECTED, Rejected
from timesheets.uploader.reading.json_values import encode_value

SUFFIX = ".rejected.ndjson"
OWNER_ONLY = 0o600


class Rejects(Protocol):
    """Where rejected entries go."""

    def add(self, rejected: Rejected) -> None: ...


class NoRejects:
    """For a run that stores nothing, and so keeps nothing."""

    def add(self, rejected: Rejected) -> None:
        pass


class RejectsFile:
    """Takes the place of `path` when it is committed; until then what stands there stays."""

    def __init__(self, path: Path, mode: int = OWNER_ONLY) -> None:
        self.path, self._mode = path, mode
        self._draft: IO[bytes] | None = None

    def add(self, rejected: Rejected) -> None:
        with explained(self.path):
            if self._draft is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._draft = tempfile.NamedTemporaryFile(  # noqa: SIM115  It outlives this call.
                    dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp", delete=False
                )
            self._draft.write(encode_rejected(rejected))

    def commit(self) -> Path | None:
        """Where the entries stand now. None if there are none; then a file of an earlier run is gone."""
        with explained(self.path):
            if self._draft is None:
                self.path.unlink(missing_ok=True)
                return None
            with self._draft as draft:
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).chmod(self._mode)
            Path(draft.name).replace(self.path)
        self._draft = None
        return self.path

    def discard(self) -> None:
        """Leave what stood there before. Does nothing after `commit`."""
        if self._draft is not None:
            self._draft.close()
            Path(self._draft.name).unlink(missing_ok=True)
            self._draft = None


def encode_rejected(rejected: Rejected) -> bytes:
    text = {} if rejected.members.keys() - {ENTRY_ID} else {"text": rejected.text}
    rejection = {"source": rejected.source, **text, "errors": dict(rejected.errors)}
    return b"%b\n" % encode_value({**rejected.members, REJECTED: rejection}).encode()


def find_free_path(path: Path) -> Path:
    """`path`, or where that is taken `week23-2.csv`, `week23-3.csv` and so on."""
    stem, dot, suffixes = path.name.partition(".")
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{stem}-{number}{dot}{suffixes}")
    return free


@contextmanager
def explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{path}: rejected entries cannot be written there: {error.strerror}; "
            "name another file with --rejects and run it again"
        ) from None
