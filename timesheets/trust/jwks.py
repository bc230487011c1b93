"""Cache the issuer's keys: a known key never waits, an unknown one costs little. Knows no web framework."""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import jwt

from timesheets.trust.jwk_sets import UsableKey
from timesheets.trust.token_rules import Fault, TokenRejected

logger = logging.getLogger(__name__)

# How long stale keys stay in use while the issuer is down.
MAX_STALE_SECONDS = 24 * 3600
# An unknown `kid` forces at most one fetch in this time.
COOL_DOWN_SECONDS = 30
MAX_BACK_OFF_SECONDS = 30
# The longest wait of a caller. A fetch ends before, unless it hangs where nothing can end it.
MAX_WAIT_SECONDS = 4
# How many callers may wait for an unknown `kid`, which any caller can forge: a quarter of a worker's threads.
MAX_WAITING_CALLERS = 16


class KeysUnavailable(Exception):
    """The issuer's keys are unavailable now. `retry_after_seconds`, 1 to 30, says when to try again."""

    def __init__(self, reason: str, retry_after_seconds: float = 1) -> None:
        super().__init__(reason)
        self.retry_after_seconds = min(max(1, round(retry_after_seconds)), MAX_BACK_OFF_SECONDS)


@dataclass(frozen=True, kw_only=True)
class FetchedKeys:
    """The result of a fetch: at least one usable key, and how long they stay fresh."""

    keys: Sequence[UsableKey]
    fresh_seconds: int


@dataclass(frozen=True)
class _Snapshot:
    """The keys of one fetch. It never changes, so threads read it without a lock."""

    keys: Sequence[UsableKey]
    # The number of the attempt that fetched them. A later attempt has a higher number.
    number: int
    stale_at: float
    unusable_at: float

    def find(self, key_id: str | None) -> UsableKey | None:
        """The key with this id; without an id, the only key if there is exactly one."""
        if key_id is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return next((key for key in self.keys if key.key_id == key_id), None)


@dataclass(eq=False)
class _Attempt:
    """A running fetch, in its own thread, and the event that its callers wait for."""

    number: int
    started_at: float
    done: threading.Event = field(default_factory=threading.Event)
    failure: KeysUnavailable | None = None


class IssuerKeys:
    """The keys that `fetch` returns, cached for the whole process.

    `fetch` returns at least one key or raises KeysUnavailable. `monotonic` counts seconds.
    """

    def __init__(
        self, fetch: Callable[[], FetchedKeys], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._waiting_slots = threading.BoundedSemaphore(MAX_WAITING_CALLERS)
        self._snapshot: _Snapshot | None = None
        self._attempt: _Attempt | None = None
        self._forced: _Attempt | None = None
        self._started = 0
        self._failures = 0
        self._retry_at = -math.inf

    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key to verify `algorithm` with. Raises TokenRejected or KeysUnavailable."""
        started = self._started
        key = self.get_snapshot().find(key_id)
        if key is None and key_id is not None:
            key = self._await_key(key_id, started)
        if key is None or algorithm not in key.by_algorithm:
            raise TokenRejected(Fault.KEY, "the issuer has no usable key with this kid and algorithm")
        return key.by_algorithm[algorithm]

    def get_snapshot(self) -> _Snapshot:
        """The known keys, at once; stale ones cause a fetch. Only without any, the caller waits for one.

        Raises KeysUnavailable.
        """
        now, snapshot = self._monotonic(), self._snapshot
        if snapshot and (now < snapshot.stale_at or now < min(self._retry_at, snapshot.unusable_at)):
            return snapshot
        with self._lock:
            # The caller may have waited for the lock, so its time and its snapshot may be old.
            now = self._monotonic()
            attempt = self._get_running_attempt(now)
            if attempt is None and self._snapshot is snapshot and now >= self._retry_at:
                attempt = self._start_attempt(now)
            if self._snapshot and now <= self._snapshot.unusable_at:
                return self._snapshot
            if attempt is None:
                raise KeysUnavailable("the last request to the issuer failed", self._retry_at - now)
        return self._wait_for(attempt)

    def _await_key(self, key_id: str, started: int) -> UsableKey | None:
        """The key with this id, or None if a fetch that started after the first `started` ones lacks it.

        At most one fetch per cool-down starts for unknown keys, and all waiting callers share it.
        """
        while True:
            with self._lock:
                snapshot = self._snapshot
                if snapshot is not None and (snapshot.find(key_id) or snapshot.number > started):
                    return snapshot.find(key_id)
                now = self._monotonic()
                attempt = self._get_running_attempt(now)
                if attempt is None:
                    if self._asked_recently(now):
                        return None
                    attempt = self._forced = self._start_attempt(now)
            if not self._waiting_slots.acquire(blocking=False):
                raise KeysUnavailable("too many callers wait for an unknown key")
            try:
                self._wait_for(attempt)
            finally:
                self._waiting_slots.release()

    def _asked_recently(self, now: float) -> bool:
        """True if this cool-down's fetch succeeded. Raises KeysUnavailable if it failed."""
        if self._forced is None or now >= self._forced.started_at + COOL_DOWN_SECONDS:
            return False
        if self._forced.failure is not None:
            raise KeysUnavailable(
                str(self._forced.failure), self._forced.started_at + COOL_DOWN_SECONDS - now
            )
        return True

    def _get_running_attempt(self, now: float) -> _Attempt | None:
        """The running fetch. Gives up a fetch that hangs where nothing can end it."""
        attempt = self._attempt
        if attempt is not None and now > attempt.started_at + MAX_WAIT_SECONDS:
            self._end_attempt(attempt, now, KeysUnavailable("the issuer does not answer"))
        return self._attempt

    def _start_attempt(self, now: float) -> _Attempt:
        self._started += 1
        attempt = self._attempt = _Attempt(number=self._started, started_at=now)
        threading.Thread(target=self._run_attempt, args=[attempt], name="issuer-keys", daemon=True).start()
        return attempt

    def _run_attempt(self, attempt: _Attempt) -> None:
        outcome: FetchedKeys | KeysUnavailable
        try:
            outcome = self._fetch()
        except KeysUnavailable as failure:
            outcome = failure
        except Exception:
            # Callers need an answer, no matter what the issuer sends.
            logger.exception("Fetching the issuer's keys failed")
            outcome = KeysUnavailable("fetching the issuer's keys failed")
        with self._lock:
            self._end_attempt(attempt, self._monotonic(), outcome)

    def _end_attempt(self, attempt: _Attempt, now: float, outcome: FetchedKeys | KeysUnavailable) -> None:
        if self._attempt is attempt:
            self._attempt = None
        if attempt.done.is_set():
            return
        if isinstance(outcome, FetchedKeys):
            self._failures, self._retry_at = 0, -math.inf
            stale_at = attempt.started_at + outcome.fresh_seconds
            self._snapshot = _Snapshot(outcome.keys, attempt.number, stale_at, stale_at + MAX_STALE_SECONDS)
        else:
            back_off = min(2**self._failures, MAX_BACK_OFF_SECONDS)
            self._failures, self._retry_at = self._failures + 1, now + back_off
            attempt.failure = KeysUnavailable(str(outcome), back_off)
            logger.warning("Cannot fetch the issuer's keys: %s", outcome)
        attempt.done.set()

    def _wait_for(self, attempt: _Attempt) -> _Snapshot:
        """The keys of the attempt. Raises KeysUnavailable if it fails or takes too long."""
        if not attempt.done.wait(MAX_WAIT_SECONDS):
            with self._lock:
                self._end_attempt(attempt, self._monotonic(), KeysUnavailable("the issuer does not answer"))
        if attempt.failure is not None or self._snapshot is None:
            # Each caller gets its own error: a traceback grows with every thread that raises it.
            failure = attempt.failure or KeysUnavailable("the issuer has no keys")
            raise KeysUnavailable(str(failure), failure.retry_after_seconds)
        return self._snapshot
