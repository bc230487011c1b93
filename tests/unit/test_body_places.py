"""A caller that has as many bodies in transit as it may waits a moment for the next place."""

import threading
from contextlib import ExitStack

from timesheets.uploads.concurrency import BODY_PLACES, bodies, receive

SHARE = BODY_PLACES // 2


def test_a_caller_gets_the_place_of_a_body_that_ends_in_time() -> None:
    with ExitStack() as others, ExitStack() as last:
        for _ in range(SHARE - 1):
            others.enter_context(bodies.take("payroll"))
        last.enter_context(bodies.take("payroll"))
        threading.Timer(0.02, last.close).start()

        assert receive(lambda: b"body", "payroll") == b"body"
