"""Keep tokens on disk, for one user and all of this user's runs. Judges none of them."""

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from timesheets_client.access.issued_tokens import IssuedToken, is_number
from timesheets_client.environment.private_files import (
    make_private_folder,
    read_private_file,
    replace_private_file,
)
from timesheets_client.errors import ConfigurationError
from timesheets_client.network.retries import Clock
from timesheets_client.printable import escape

BYTES_AT_MOST = 64 * 1024
POLL_SECONDS = 0.05


class TokenCache:
    """The tokens in a folder of `state_dir`, each under a name.

    What keeps them from being kept ends no run, since entries matter more than the price of a token:
    it is told by `warn`, and the run goes on without. Only a link does, which nobody puts there by mistake.
    """

    def __init__(self, state_dir: Path, warn: Callable[[str], object], clock: Clock) -> None:
        self._folder, self._warn, self._clock = state_dir / "tokens", warn, clock
        self._is_usable = True

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[None]:
        """Keeps other runs off that name. Waits for them, but after `seconds` goes on all the same."""
        with ExitStack() as stack:
            try:
                make_private_folder(self._folder)
                self._acquire(name, seconds, stack)
            except OSError as error:
                self._refuse_link(error)
                self._give_up(error)
            yield

    def _acquire(self, name: str, seconds: float, stack: ExitStack) -> None:
        import filelock

        # The system's own lock ends with its process; a soft one could outlive it.
        lock = filelock.FileLock(self._folder / f"{name}.lock", mode=0o600, fallback_to_soft=False)
        end = self._clock.monotonic() + seconds
        for attempt in count():
            with suppress(filelock.Timeout):
                stack.enter_context(lock.acquire(blocking=False))
                return
            left = end - self._clock.monotonic()
            if left <= 0:
                self._warn(
                    f"another run has been getting a token for {seconds:.0f} s; this one gets its own."
                )
                return
            if attempt == 0:
                self._clock.announce(f"waiting up to {left:.1f} s for another run to get the issuer's token.")
            # Not filelock's own wait, which a signal would not end while a batch waits for its token.
            self._clock.sleep(min(POLL_SECONDS, left))

    def read(self, name: str) -> IssuedToken | None:
        """The token, if its file is whole and no other user can have read or written it."""
        content = read_private_file(self._find_path(name), BYTES_AT_MOST) if self._is_usable else None
        return parse_token(content) if content else None

    def write(self, name: str, token: IssuedToken) -> None:
        members = {"access_token": token.value, "issued_at": token.issued_at, "expires_in": token.expires_in}
        if not self._is_usable:
            return
        try:
            replace_private_file(self._find_path(name), json.dumps(members).encode())
        except OSError as error:
            self._give_up(error)

    def forget(self, name: str) -> None:
        """Remove the token, and what a killed run left of it. Raises ConfigurationError if that can't be."""
        if self._folder.is_symlink():
            self._refuse_link(OSError(errno.ELOOP, "it is a symbolic link"))
        for path in [self._find_path(name), *self._folder.glob(f"{name}.*.tmp")]:
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
                f"{escape(str(self._folder))}: a symbolic link stands in the way of the tokens; remove it"
            ) from None

    def _give_up(self, error: OSError) -> None:
        self._is_usable = False
        self._warn(
            f"{escape(str(self._folder))}: no token can be kept here: {error.strerror}; "
            "each run gets a new one. "
            "Set TIMESHEETS_STATE_DIR to a folder of this user's, or give --no-token-cache."
        )


def parse_token(content: bytes) -> IssuedToken | None:
    """What `write` wrote; None from anything else."""
    try:
        members = json.loads(content)
        value, issued_at = members["access_token"], members["issued_at"]
        expires_in = members["expires_in"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    is_whole = (
        isinstance(value, str) and is_number(issued_at) and (expires_in is None or is_number(expires_in))
    )
    return IssuedToken(value=value, issued_at=issued_at, expires_in=expires_in) if is_whole else None
