"""Keep tokens on disk between the runs of one user. Validates none of them."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from timesheets_client.network.retries import Clock, poll
from timesheets_files.printable import escape

MAX_BYTES = 64 * 1024
POLL_SECONDS = 0.05


class TokenCache:
    """The tokens in a folder of `state_dir`, each under a name.

    If tokens cannot be kept, `warn` gets the reason and the run continues without a cache. Only a symbolic
    link raises ConfigurationError, because no one creates one there by mistake.
    """

    def __init__(self, state_dir: Path, warn: Callable[[str], object], clock: Clock) -> None:
        self._folder, self._warn, self._clock = state_dir / "tokens", warn, clock
        self._is_usable = True

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[None]:
        """Lock the name against other runs. After `seconds` the caller continues without the lock."""
        with ExitStack() as stack:
            try:
                make_private_folder(self._folder)
                self._acquire(name, seconds, stack)
            except OSError as error:
                self._refuse_link(error)
                self._disable(error)
            yield

    def _acquire(self, name: str, seconds: float, stack: ExitStack) -> None:
        file = stack.enter_context(open_regular(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT))
        reason = "another run to get the issuer's token"
        acquire = partial(try_lock, file)
        if not poll(acquire, seconds, self._clock, interval_seconds=POLL_SECONDS, reason=reason):
            self._warn(f"another run has been getting a token for {seconds:.0f} s; this one gets its own.")

    def read(self, name: str) -> IssuedToken | None:
        """The token, if its file is complete and closed to other users."""
        content = read_private_file(self._find_path(name), MAX_BYTES) if self._is_usable else None
        return parse_token(content) if content else None

    def write(self, name: str, token: IssuedToken) -> None:
        if not self._is_usable:
            return
        members = {"access_token": token.value, "issued_at": token.issued_at, "expires_in": token.expires_in}
        try:
            replace_file(self._find_path(name), [json.dumps(members).encode()])
        except OSError as error:
            self._disable(error)

    def forget(self, name: str) -> None:
        """Remove the token, and the temporary files of killed runs. Raises ConfigurationError."""
        if leads_elsewhere(self._folder):
            self._refuse_link(OSError(errno.ELOOP, "it is a symbolic link"))
        for path in [self._find_path(name), *self._folder.glob(f".{name}.*.tmp")]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"{escape(str(path))}: cannot be removed: {error.strerror}"
                ) from None

    def _find_path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _refuse_link(self, error: OSError) -> None:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(
                f"{escape(str(self._folder))}: must neither be nor contain a symbolic link; remove it"
            ) from None

    def _disable(self, error: OSError) -> None:
        self._is_usable = False
        folder = escape(str(self._folder))
        self._warn(
            f"{folder}: no token can be kept here: {error.strerror}; each run gets a new one. "
            "Set TIMESHEETS_STATE_DIR to a folder that this user owns, or use --no-token-cache."
        )


def parse_token(content: bytes) -> IssuedToken | None:
    """The token that `write` wrote; None for any other content."""
    try:
        members = json.loads(content)
        token = IssuedToken(
            value=members["access_token"], issued_at=members["issued_at"], expires_in=members["expires_in"]
        )
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    has_expiry = token.expires_in is None or is_number(token.expires_in)
    return token if isinstance(token.value, str) and is_number(token.issued_at) and has_expiry else None
