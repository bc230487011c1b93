"""Cache the issuer's keys: a known key never waits, an unknown one costs little. Knows no web framework."""

import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import jwt

from timesheets.trust.jwk_sets import UsableKey

logger = logging.getLogger(__name__)

MIN_TIME_TO_LIVE_SECONDS = 60
MAX_TIME_TO_LIVE_SECONDS = 24 * 3600
DEFAULT_TIME_TO_LIVE_SECONDS = 600
# How long stale keys stay in use while the issuer is down.
MAX_STALE_SECONDS = 24 * 3600
# An unknown `kid` forces at most one fetch in this time.
COOL_DOWN_SECONDS = 30
MAX_BACK_OFF_SECONDS = 30
# The longest wait of a caller. A fetch ends before, unless it hangs where nothing can end it.
MAX_WAIT_SECONDS = 4
# How many callers may wait for an unknown `kid`, which any caller can forge: a quarter of a worker's threads.
MAX_WAITING_CALLERS = 16


class KeyUnknown(Exception):
    """The issuer has no usable key with this id."""


class KeysUnavailable(Exception):
    """The issuer's keys are unavailable now. `retry_after_seconds`, 1 to 30, says when to try again."""

    def __init__(self, reason: str, retry_after_seconds: float = 1) -> None:
        super().__init__(reason)
        self.retry_after_seconds = min(max(1, round(retry_after_seconds)), MAX_BACK_OFF_SECONDS)


class KeySource(Protocol):
    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key to verify `algorithm` with. Raises KeyUnknown or KeysUnavailable."""


@dataclass(frozen=True, kw_only=True)
class FetchedKeys:
    """The result of a fetch: at least one usable key, and how long the issuer lets them be cached."""

    keys: Sequence[UsableKey]
    max_age_seconds: int | None


def choose_time_to_live(max_age_seconds: int | None) -> int:
    """After how many seconds the keys are stale: the issuer's max-age, within limits."""
    if max_age_seconds is None:
        return DEFAULT_TIME_TO_LIVE_SECONDS
    return min(max(max_age_seconds, MIN_TIME_TO_LIVE_SECONDS), MAX_TIME_TO_LIVE_SECONDS)


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    """The keys of one fetch. It never changes, so threads read it without a lock."""

    keys: Sequence[UsableKey]
    # The number of the attempt that fetched them. A later attempt has a higher number.
    number: int
    stale_at: float

    def is_usable_at(self, now: float) -> bool:
        return now <= self.stale_at + MAX_STALE_SECONDS

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
        self._snapshot: _Snapshot | None = None
        self._started = 0
        self._failures = 0
        self._retry_at = -math.inf
        self._reset()
        if hasattr(os, "register_at_fork"):
            reset = weakref.WeakMethod(self._reset)
            os.register_at_fork(after_in_child=lambda: (method := reset()) and method())

    def _reset(self) -> None:
        """A forked child has none of its parent's threads: no fetch runs, and none holds the lock."""
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None
        self._forced: _Attempt | None = None
        self._waiting_slots = threading.BoundedSemaphore(MAX_WAITING_CALLERS)

    def find_key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        started = self._started
        snapshot = self._get_usable_snapshot()
        key = snapshot.find(key_id)
        if key is None and key_id is not None:
            key = self._await_key(key_id, started)
        if key is None or algorithm not in key.by_algorithm:
            raise KeyUnknown
        return key.by_algorithm[algorithm]

    def require_keys(self) -> None:
        """Return if there are usable keys, fresh or stale. Raises KeysUnavailable."""
        self._get_usable_snapshot()

    def _get_usable_snapshot(self) -> _Snapshot:
        """The known keys, at once; stale ones cause a fetch. Only without any, the caller waits for one."""
        now = self._monotonic()
        snapshot = self._snapshot
        if snapshot is None or not snapshot.is_usable_at(now):
            return self._await_keys()
        if now >= snapshot.stale_at and now >= self._retry_at:
            self._refresh(snapshot)
        return snapshot

    def _await_keys(self) -> _Snapshot:
        """The keys, as soon as a fetch returns them, if there are none or they are too old."""
        with self._lock:
            # The caller may have waited for the lock, so its time may be old.
            now = self._monotonic()
            if self._snapshot is not None and self._snapshot.is_usable_at(now):
                return self._snapshot
            attempt = self._get_running_attempt(now)
            if attempt is None:
                if now < self._retry_at:
                    raise KeysUnavailable("the last request to the issuer failed", self._retry_at - now)
                attempt = self._start_attempt(now)
        return self._wait_for(attempt)

    def _refresh(self, stale: _Snapshot) -> None:
        """Start a fetch, while all callers, this one too, continue with the stale keys."""
        with self._lock:
            now = self._monotonic()
            is_idle = self._get_running_attempt(now) is None
            if is_idle and self._snapshot is stale and now >= self._retry_at:
                self._start_attempt(now)

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
            self._wait_in_a_slot(attempt)

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
        thread = threading.Thread(target=self._run_attempt, args=[attempt], name="issuer-keys", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._end_attempt(attempt, now, KeysUnavailable("the system has no thread left"))
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
            self._snapshot = _Snapshot(
                keys=outcome.keys,
                number=attempt.number,
                stale_at=attempt.started_at + choose_time_to_live(outcome.max_age_seconds),
            )
        else:
            back_off = min(2**self._failures, MAX_BACK_OFF_SECONDS)
            self._failures, self._retry_at = self._failures + 1, now + back_off
            attempt.failure = KeysUnavailable(str(outcome), back_off)
            logger.warning("Cannot fetch the issuer's keys: %s", outcome)
        attempt.done.set()

    def _wait_in_a_slot(self, attempt: _Attempt) -> None:
        """Wait for the attempt, unless too many callers already wait. Raises KeysUnavailable."""
        if not self._waiting_slots.acquire(blocking=False):
            raise KeysUnavailable("too many callers wait for an unknown key")
        try:
            self._wait_for(attempt)
        finally:
            self._waiting_slots.release()

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
