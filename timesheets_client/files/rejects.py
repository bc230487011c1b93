"""Keep what was refused for good in a file that can be mended and sent."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from timesheets_client.files.drafts import OWNER_ONLY, Draft, explained
from timesheets_client.files.folders import Folder
from timesheets_client.reading.entries import ENTRY_ID, REJECTED, RejectedEntry
from timesheets_client.reading.json_values import encode_value

SUFFIX = ".rejected.ndjson"


class Rejects(Protocol):
    """Where rejected entries go."""

    def add(self, rejected: RejectedEntry) -> None: ...


class NoRejects:
    """For a run that stores nothing, and so keeps nothing."""

    def add(self, rejected: RejectedEntry) -> None:
        pass


def make_folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


class RejectsFile:
    """Takes the place of `name` when it is committed; until then what stands there stays.

    Unless `replaces`, it takes a free name like that. `make` makes the folder when it is needed.
    """

    advice = "name another file with --rejects and run it again"

    def __init__(
        self,
        folder: Folder,
        name: str,
        mode: int = OWNER_ONLY,
        *,
        replaces: bool = True,
        make: Callable[[Path], object] = make_folder,
    ) -> None:
        self._folder, self._name, self._mode = folder, name, mode
        self._replaces, self._make = replaces, make
        self._draft: Draft | None = None

    def add(self, rejected: RejectedEntry) -> None:
        with self._explained():
            if self._draft is None:
                self._make(self._folder.path)
                self._draft = Draft(self._folder)
            self._draft.write(encode_rejected(rejected))

    def commit(self, *, is_file_refused: bool = False) -> Path | None:
        """Where the entries stand now. None if there are none; then a file of an earlier run is gone.

        Which file they are from, and whether it `is_file_refused` as a whole, matters to a spool folder only.
        """
        with self._explained():
            if self._draft is None:
                # A folder that cannot be written is no obstacle where there is nothing to remove.
                if self._replaces and self._folder.look(self._name):
                    self._folder.remove(self._name)
                return None
            name = self._name if self._replaces else self._folder.find_free_name(self._name)
            self._draft.settle(name, self._mode)
        self._draft = None
        return self._folder.path / name

    def discard(self) -> None:
        """Leave what stood there before. Does nothing after `commit`."""
        if self._draft is not None:
            self._draft.discard()
            self._draft = None

    def _explained(self) -> AbstractContextManager[None]:
        return explained(
            self._folder.path / self._name, "rejected entries cannot be written there", self.advice
        )


def encode_rejected(rejected: RejectedEntry) -> bytes:
    text = {} if rejected.members.keys() - {ENTRY_ID} else {"text": rejected.text}
    rejection = {"source": rejected.source, **text, "errors": dict(rejected.errors)}
    return b"%b\n" % encode_value({**rejected.members, REJECTED: rejection}).encode()
