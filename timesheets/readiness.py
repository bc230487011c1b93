"""Decide whether this process can store entries now, however often it is asked. Knows no HTTP."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial

from django.apps import apps
from django.conf import settings
from django.db import Error

from timesheets import conf
from timesheets.authentication import get_issuer_keys
from timesheets.storage import availability
from timesheets.storage.availability import NotWritable, use_new_connection
from timesheets.storage.failures import SchemaOutdated, describe_database, require_current_schema
from timesheets.trust.jwks import KeysUnavailable

logger = logging.getLogger(__name__)

CHECKS = frozenset({"database", "issuer", "migrations"})
# Any caller may ask, so a new round of checks starts only this long after the start of the last one.
INTERVAL_SECONDS = 1
# How long the caller that starts a round waits for it. The first keys of an issuer may take four seconds.
MAX_WAIT_SECONDS = 5

# The name of a check, and why it fails; None if it passes. The last finding about a check counts.
Finding = tuple[str, str | None]


@dataclass(eq=False, kw_only=True)
class _Round:
    """One run of all checks. Each counts as failing until it has passed."""

    started_at: float
    failing: frozenset[str] = CHECKS
    done: threading.Event = field(default_factory=threading.Event)


class Readiness:
    """The findings of the last round of checks. `check` yields those of a new round.

    There is one round at a time, in a thread of its own. Only the caller that starts it waits, so callers
    cannot occupy the threads of a process whose database hangs.
    """

    def __init__(
        self, check: Callable[[], Iterable[Finding]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._check = check
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last = self._current = _Round(started_at=-math.inf)
        self._current.done.set()

    def find_failing_checks(self) -> list[str]:
        """The names of the failing checks, in alphabetical order. Before the first round, all of them."""
        with self._lock:
            now = self._monotonic()
            last, current = self._last, self._current
            starts = current.done.is_set() and now >= current.started_at + INTERVAL_SECONDS
            if starts:
                last, current = current, _Round(started_at=now)
                threading.Thread(target=self._run, args=[current], name="readiness", daemon=True).start()
                self._last, self._current = last, current
        if starts and not current.done.wait(MAX_WAIT_SECONDS):
            logger.error(
                "Not ready: %s: no result after %s seconds. See whether the database or the network hangs.",
                ", ".join(sorted(current.failing)),
                MAX_WAIT_SECONDS,
            )
        is_over = starts or current.done.is_set() or now > current.started_at + MAX_WAIT_SECONDS
        return sorted(current.failing if is_over else last.failing)

    def _run(self, current: _Round) -> None:
        try:
            for name, reason in self._check():
                if reason is None:
                    current.failing -= {name}
                else:
                    current.failing |= {name}
                    logger.error("Not ready: %s: %s", name, " ".join(reason.split()))
        except Exception:
            # The next round needs to know that this one is over.
            logger.exception("Not ready: the checks themselves failed")
        finally:
            current.done.set()


@cache
def get_readiness() -> Readiness:
    """The readiness of this process."""
    return Readiness(_run_checks)


def _run_checks() -> Iterator[Finding]:
    keys = get_issuer_keys(conf.issuer(), conf.token_policy().algorithms)
    yield "issuer", _find_reason(keys.require_keys)
    try:
        with use_new_connection():
            require_writable = partial(availability.require_writable_database, _list_privileges())
            yield "database", _find_reason(require_writable)
            yield "migrations", _find_reason(require_current_schema)
        availability.require_working_pool()
    except Error as error:
        advice = "Check that it runs and that DATABASE_URL is right."
        yield "database", f"{describe_database()}: {error}. {advice}"
        # Nobody knows about them, and one reason is enough.
        yield "migrations", None


def _find_reason(require: Callable[[], object]) -> str | None:
    """Return why the check fails, or None if it passes. Raises Django's database errors."""
    try:
        require()
    except KeysUnavailable as failure:
        return f"{failure}. To see why, run: python manage.py check_issuer"
    except (NotWritable, SchemaOutdated) as failure:
        return str(failure)
    return None


def _list_privileges() -> set[tuple[str, str]]:
    """The privileges that the settings require of the API's role in PostgreSQL."""
    privileges = set(availability.UPLOAD_PRIVILEGES)
    if settings.TIMESHEETS_THROTTLE:
        privileges |= availability.THROTTLE_PRIVILEGES
    if conf.lets_browsers_sign_in():
        privileges |= availability.SESSION_PRIVILEGES
    if apps.is_installed("django.contrib.admin"):
        privileges |= availability.ADMIN_PRIVILEGES
    return privileges
