"""A caller that has as many bodies in transit as it may waits a moment for the next place."""

import threading
from contextlib import ExitStack

from timesheets.uploads.concurrency import BODY_PLACES, limit_bodies_of

SHARE = BODY_PLACES // 2


def test_a_caller_gets_the_place_of_a_body_that_ends_in_time() -> None:
    with ExitStack() as others, ExitStack() as last:
        for _ in range(SHARE - 1):
            others.enter_context(limit_bodies_of("payroll"))
        last.enter_context(limit_bodies_of("payroll"))
        threading.Timer(0.02, last.close).start()

        with limit_bodies_of("payroll"):
            pass
