"""Keep rejected entries in a file that the user can fix and upload."""

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from timesheets_client.context import RunContext
from timesheets_client.environment.private_files import make_private_folder
from timesheets_client.errors import FileBlocked, WrongUsage
from timesheets_client.files.drafts import OWNER_ONLY, Draft, explain_os_errors
from timesheets_client.files.folders import Folder, add_suffix
from timesheets_client.files.locks import is_same_file
from timesheets_client.printable import escape
from timesheets_client.reading.entries import RejectedEntry
from timesheets_client.reading.inputs import Input
from timesheets_client.reading.json_values import encode_value
from timesheets_files.members import ENTRY_ID, REJECTED

SUFFIX = ".rejected.ndjson"
CREATE_FOLDER = partial(Path.mkdir, mode=0o700, parents=True, exist_ok=True)


class RejectsFile:
    """Collects rejected entries in a draft, which `commit` renames to `name`.

    With `replaces`, it replaces the file of that name; else it takes a free name like it. `create_folder` is
    called for the first entry.
    """

    advice = "name another file with --rejects and run it again"

    def __init__(
        self,
        folder: Folder,
        name: str,
        mode: int = OWNER_ONLY,
        *,
        replaces: bool = True,
        create_folder: Callable[[Path], object] = CREATE_FOLDER,
    ) -> None:
        self._folder, self._name, self._mode = folder, name, mode
        self._replaces, self._create_folder = replaces, create_folder
        self._draft: Draft | None = None

    def add(self, rejected: RejectedEntry) -> None:
        with self._explain_os_errors():
            if self._draft is None:
                self._create_folder(self._folder.path)
                self._draft = Draft(self._folder)
            self._draft.write(encode_rejected(rejected))

    def commit(self, *, is_file_refused: bool = False) -> Path | None:
        """The file with the entries. Without entries, None; the file of an earlier run is then removed.

        Only a spool folder needs to know whether --strict refuses the whole uploaded file.
        """
        with self._explain_os_errors():
            if self._draft is None:
                # The folder may be read-only if there is nothing to remove.
                if self._replaces and self._folder.lstat(self._name):
                    self._folder.remove(self._name)
                return None
            name = self._name if self._replaces else self._folder.find_free_name(self._name)
            self._draft.commit(name, self._mode)
        self._draft = None
        return self._folder.path / name

    def discard(self) -> None:
        """Remove the draft and keep the previous file. Does nothing after `commit`."""
        if self._draft is not None:
            self._draft.discard()
            self._draft = None

    def _explain_os_errors(self) -> AbstractContextManager[None]:
        return explain_os_errors(
            self._folder.path / self._name, "rejected entries cannot be written there", self.advice
        )


def encode_rejected(rejected: RejectedEntry) -> bytes:
    text = {} if rejected.members.keys() - {ENTRY_ID} else {"text": rejected.text}
    rejection = {"source": rejected.source, **text, "errors": dict(rejected.errors)}
    return b"%b\n" % encode_value({**rejected.members, REJECTED: rejection}).encode()


def place_rejects(source: Input, context: RunContext) -> RejectsFile:
    if context.options.rejects:
        path = context.options.rejects
    elif source.path:
        path = source.path.with_name(add_suffix(source.path.name, SUFFIX))
    else:
        folder = Folder(find_stdin_rejects_folder(context))
        return RejectsFile(
            folder, f"standard-input{SUFFIX}", replaces=False, create_folder=make_private_folder
        )
    require_replaceable(path, source)
    return RejectsFile(Folder(path.parent), path.name, read_mode(source) if source.path else OWNER_ONLY)


def find_stdin_rejects_folder(context: RunContext) -> Path:
    """The folder for the rejects of standard input, which cannot be read again: one file per run."""
    return context.config.state_dir / "rejected"


def require_replaceable(path: Path, source: Input) -> None:
    """Raise an UploadError if `path` is the input itself, or a device such as /dev/null."""
    shown = escape(str(path))
    if source.path and is_same_file(source, path):
        raise WrongUsage(f"--rejects {shown}: this is the file to upload; name another file for its rejects")
    if os.path.lexists(path) and not (path.is_symlink() or path.is_file()):
        raise FileBlocked(
            f"{shown}: is not a file, so rejected entries cannot replace it; name a file with --rejects"
        )


def read_mode(source: Input) -> int:
    return stat.S_IMODE(os.fstat(source.file.fileno()).st_mode) & 0o777
