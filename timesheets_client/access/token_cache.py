"""Keep tokens on disk between the runs of one user. Validates none of them."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from timesheets_client.access.issued_tokens import IssuedToken, is_number
from timesheets_client.errors import ConfigurationError
from timesheets_client.local_files import (
    leads_elsewhere,
    make_private_folder,
    open_regular,
    read_private_file,
    replace_file,
    try_lock,
)
from timesheets_client.network.messages import parse_object
from timesheets_client.network.retries import Clock, poll
from timesheets_files.printable import escape

MAX_BYTES = 64 * 1024


class TokenCache:
    """The tokens in a folder of `state_dir`, each under a name; none unless `is_usable`.

    If tokens cannot be kept, `warn` gets the reason and the run continues without a cache. Only a symbolic
    link raises ConfigurationError, because no one creates one there by mistake.
    """

    def __init__(
        self, state_dir: Path, warn: Callable[[str], object], clock: Clock, *, is_usable: bool = True
    ) -> None:
        self._folder, self._warn, self._clock = state_dir / "tokens", warn, clock
        self._shown = escape(str(self._folder))
        self._is_usable = is_usable

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[None]:
        """Lock the name against other runs. After `seconds` the caller continues without the lock."""
        with ExitStack() as stack:
            try:
                if self._is_usable:
                    make_private_folder(self._folder)
                    lock_file = open_regular(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT)
                    acquire = partial(try_lock, stack.enter_context(lock_file))
                    poll(acquire, seconds, self._clock, "another run to get the issuer's token")
            except OSError as error:
                self._disable(error)
            yield

    def read(self, name: str) -> IssuedToken | None:
        """The token that `write` wrote, if its file is complete and closed to other users."""
        content = read_private_file(self._find_path(name), MAX_BYTES) if self._is_usable else None
        try:
            token = IssuedToken(**(parse_object(content or b"") or {}))  # type: ignore[arg-type]
        except TypeError:
            return None
        has_expiry = token.expires_in is None or is_number(token.expires_in)
        return token if isinstance(token.value, str) and is_number(token.issued_at) and has_expiry else None

    def write(self, name: str, token: IssuedToken) -> None:
        if not self._is_usable:
            return
        try:
            replace_file(self._find_path(name), [json.dumps(asdict(token)).encode()])
        except OSError as error:
            self._disable(error)

    def forget(self, name: str) -> None:
        """Remove the token, and the temporary files of killed runs. Raises ConfigurationError."""
        try:
            if leads_elsewhere(self._folder):
                raise OSError(errno.ELOOP, "it is a symbolic link")
            for path in [self._find_path(name), *self._folder.glob(f".{name}.*.tmp")]:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{self._shown}: the token cannot be removed: {error.strerror}"
            ) from None

    def _find_path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _disable(self, error: OSError) -> None:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(
                f"{self._shown}: must neither be nor contain a symbolic link; remove it"
            ) from None
        self._is_usable = False
        self._warn(
            f"{self._shown}: no token can be kept here: {error.strerror}; each run gets a new one. "
            "Set TIMESHEETS_STATE_DIR to a folder that this user owns, or use --no-token-cache."
        )
