"""Keep rejected entries in a file that the user can fix and upload."""

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import IO

from timesheets_client.context import RunContext
from timesheets_client.errors import FileBlocked, WrongUsage
from timesheets_client.files.folders import add_suffix, explain_os_errors, find_free_path, is_same_file
from timesheets_client.local_files import OWNER_ONLY, make_private_folder, replace_file
from timesheets_client.reading.entries import RejectedEntry, encode_value
from timesheets_client.reading.inputs import Input
from timesheets_files.members import ENTRY_ID, REJECTED
from timesheets_files.printable import escape

SUFFIX = ".rejected.ndjson"


class RejectsFile:
    """Collects rejected entries in a temporary file, which `commit` copies to `path`.

    With `replaces`, it replaces the file there; else it takes a free name like it. `prepare` is a context
    in which its folder may be written to, by the path that it yields.
    """

    advice = "name another file with --rejects and run it again"

    def __init__(
        self,
        path: Path,
        mode: int = OWNER_ONLY,
        *,
        replaces: bool = True,
        prepare: Callable[[Path], AbstractContextManager[Path]] = nullcontext,
    ) -> None:
        self._path, self._mode, self._replaces = path, mode, replaces
        self._prepare = partial(prepare, path.parent)
        self._draft: IO[bytes] | None = None

    def add(self, rejected: RejectedEntry) -> None:
        with self._explain_os_errors():
            if self._draft is None:
                with self._prepare() as folder:
                    # It has no name, so a killed run leaves nothing.
                    self._draft = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
            text = {} if rejected.members.keys() - {ENTRY_ID} else {"text": rejected.text}
            rejection = {"source": rejected.source, **text, "errors": dict(rejected.errors)}
            self._draft.write(b"%b\n" % encode_value({**rejected.members, REJECTED: rejection}).encode())

    def commit(self, *, is_file_refused: bool = False) -> Path | None:
        """The file with the entries. Without entries, None; the file of an earlier run is then removed.

        Only a spool folder needs to know whether --strict refuses the whole uploaded file.
        """
        with self._explain_os_errors():
            if self._draft is None:
                # The folder may be read-only if there is nothing to remove.
                if self._replaces and os.path.lexists(self._path):
                    self._path.unlink()
                return None
            with self._prepare() as folder:
                path = folder / self._path.name
                path = path if self._replaces else find_free_path(path)
                self._draft.seek(0)
                replace_file(path, self._draft, self._mode)
            return self._path.with_name(path.name)

    def discard(self) -> None:
        """Remove the temporary file. What `commit` has written stays."""
        if self._draft is not None:
            # Closing flushes the buffer, for which the disk may have no space.
            with suppress(OSError):
                self._draft.close()

    def _explain_os_errors(self) -> AbstractContextManager[None]:
        return explain_os_errors(self._path, "rejected entries cannot be written there", self.advice)


def make_own_folder(folder: Path) -> AbstractContextManager[Path]:
    make_private_folder(folder)
    return nullcontext(folder)


def place_rejects(source: Input, context: RunContext) -> RejectsFile:
    """Raise an UploadError if they would replace the input itself, or a device such as /dev/null."""
    if context.options.rejects:
        path = context.options.rejects
    elif source.path:
        path = source.path.with_name(add_suffix(source.path.name, SUFFIX))
    else:
        # Standard input cannot be read again, so each run has its own file.
        path = context.config.state_dir / f"rejected/standard-input{SUFFIX}"
        return RejectsFile(path, replaces=False, prepare=make_own_folder)
    shown = escape(str(path))
    if source.path and is_same_file(source.file, path):
        raise WrongUsage(f"--rejects {shown}: this is the file to upload; name another file for its rejects")
    if os.path.lexists(path) and not (path.is_symlink() or path.is_file()):
        raise FileBlocked(
            f"{shown}: is not a file, so rejected entries cannot replace it; name a file with --rejects"
        )
    return RejectsFile(path, read_mode(source) if source.path else OWNER_ONLY)


def read_mode(source: Input) -> int:
    return os.fstat(source.file.fileno()).st_mode & 0o777
