"""Decide whether this process can store entries now, however often it is asked. Knows no HTTP."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache, partial

from django.apps import apps
from django.conf import settings
from django.db import Error

from timesheets import conf
from timesheets.authentication import get_issuer_keys
from timesheets.storage import availability
from timesheets.storage.availability import (
    DatabaseUnfit,
    describe_database,
    require_current_schema,
    use_new_connection,
)
from timesheets.trust.jwks import KeysUnavailable

logger = logging.getLogger(__name__)

CHECKS = ["database", "issuer", "migrations"]
# Any caller may ask, so a new round of checks starts only this long after the start of the last one.
INTERVAL_SECONDS = 1
# A round that takes longer has failed. The first keys of an issuer may take four seconds.
MAX_ROUND_SECONDS = 5


class Readiness:
    """The failing checks of the last round. `find_failures` returns the reason for each check that fails.

    One caller at a time waits for a round. The others get the result of the last one at once, so they cannot
    occupy the threads of a process whose database hangs.
    """

    def __init__(
        self, find_failures: Callable[[], Mapping[str, str]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._find_failures = find_failures
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._begun_at = -math.inf
        self._failing = CHECKS

    def find_failing_checks(self) -> list[str]:
        """The names of the failing checks, in alphabetical order. Before the first round, all of them."""
        if not self._lock.acquire(blocking=False):
            is_late = self._monotonic() > self._begun_at + MAX_ROUND_SECONDS
            return CHECKS if is_late else self._failing
        try:
            if self._monotonic() >= self._begun_at + INTERVAL_SECONDS:
                self._begun_at = self._monotonic()
                failures = self._find_failures()
                self._failing = sorted(failures)
                for name, reason in failures.items():
                    logger.error("Not ready: %s: %s", name, " ".join(reason.split()))
            return self._failing
        finally:
            self._lock.release()


@cache
def get_readiness() -> Readiness:
    """The readiness of this process."""
    return Readiness(_find_failures)


def _find_failures() -> dict[str, str]:
    failures = {}
    try:
        get_issuer_keys(conf.issuer(), conf.token_policy().algorithms).get_snapshot()
    except KeysUnavailable as failure:
        failures["issuer"] = f"{failure}. To see why, run: python manage.py check_issuer"
    require_writable = partial(availability.require_writable_database, _list_privileges())
    try:
        with use_new_connection():
            for name, require in (("database", require_writable), ("migrations", require_current_schema)):
                try:
                    require()
                except DatabaseUnfit as failure:
                    failures[name] = str(failure)
    except Error as error:
        advice = "Check that it runs and that DATABASE_URL is right."
        failures["database"] = f"{describe_database()}: {error}. {advice}"
    return failures


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
