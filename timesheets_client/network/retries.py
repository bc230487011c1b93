"""Send again what may succeed a little later, and tell when to come back where that is too far off."""

import math
import random
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

from timesheets_client.errors import NothingSent, TemporaryFailure
from timesheets_client.network.exchange import Answer, Timeouts
from timesheets_client.network.retry_after import format_moment, read_retry_after

if TYPE_CHECKING:
    from tenacity import RetryCallState

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    retries: int = 5
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30
    longest_retry_after_seconds: float = 300
    # When the whole run ends, by Clock.monotonic.
    deadline: float | None = None


def say_nothing(_: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, sleep and chance, so that tests neither wait nor guess; `announce` is told of each wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    # Seconds since 1970, for what outlives the process or comes from another machine.
    wall_clock: Callable[[], float] = time.time
    announce: Callable[[str], object] = say_nothing


def send_with_retries(
    send: Callable[[], Answer],
    policy: RetryPolicy,
    clock: Clock,
    statuses: Container[int] = RETRIED_STATUSES,
    server: str = "the API",
) -> Answer:
    """The answer of the first `send` that got one with none of `statuses`, else the last answer.

    Raises the last TemporaryFailure if the last `send` got no answer, NothingSent only if none was sent, and
    one that says when to come back if the server asks for more patience than `policy` has. What else `send`
    raises passes. `server` is what announcements call the server.
    """
    # Most of what ends early ends before anything is sent.
    import tenacity

    if seconds_left(policy, clock) <= 0:
        raise TemporaryFailure(
            f"the time that --deadline gives this run is over, {server} was not asked; run it again later."
        )
    retrying = tenacity.Retrying(
        sleep=clock.sleep,
        wait=lambda state: choose_wait(state, policy, clock),
        # It is asked after `wait`.
        stop=lambda state: (
            state.attempt_number > policy.retries or state.upcoming_sleep >= seconds_left(policy, clock)
        ),
        retry=tenacity.retry_if_exception_type(TemporaryFailure)
        | tenacity.retry_if_result(lambda answer: answer.status in statuses),
        before_sleep=lambda state: announce_wait(state, clock, server),
        retry_error_callback=read_outcome,
    )
    return retrying(remember_tries(send))


def remember_tries(send: Callable[[], Answer]) -> Callable[[], Answer]:
    """`send`, which raises NothingSent only as long as that holds for all of its tries."""
    sent = 0

    def send_and_count() -> Answer:
        nonlocal sent
        sent += 1
        try:
            return send()
        except NothingSent as error:
            sent -= 1
            if not sent:
                raise
            raise TemporaryFailure(
                f"{error.reason} An earlier try may have arrived all the same; run it again later.",
                error.reason,
            ) from None

    return send_and_count


def seconds_left(policy: RetryPolicy, clock: Clock) -> float:
    """Until the deadline of the run; without one there is no end."""
    return math.inf if policy.deadline is None else policy.deadline - clock.monotonic()


def limit_timeouts(timeouts: Timeouts, policy: RetryPolicy, clock: Clock) -> Timeouts:
    """The time that one request may take, which ends with the run's."""
    return timeouts.within(max(0.0, seconds_left(policy, clock)))


def read_outcome(state: "RetryCallState") -> Answer:
    """The last answer; raises the last failure."""
    if state.outcome is None:
        raise AssertionError("nothing was sent")
    answer: Answer = state.outcome.result()
    return answer


def announce_wait(state: "RetryCallState", clock: Clock, server: str) -> None:
    try:
        answer = read_outcome(state)
        reason = f"{answer.url}: answered {answer.status}."
    except TemporaryFailure as error:
        reason = error.reason
    clock.announce(f"waiting {state.upcoming_sleep:.1f} s for {server}: {reason}")


def choose_wait(state: "RetryCallState", policy: RetryPolicy, clock: Clock) -> float:
    """Full jitter below a bound that doubles, so that the jobs of one minute don't come back as one.

    It comes on top of what the server asks for. Raises TemporaryFailure if that is too long.
    """
    bound = min(policy.longest_wait_seconds, policy.first_wait_seconds * 2.0 ** (state.attempt_number - 1))
    jitter = clock.random() * bound
    try:
        answer = read_outcome(state)
    except TemporaryFailure:
        return jitter
    return jitter + measure_patience(answer, policy, clock)


def measure_patience(answer: Answer, policy: RetryPolicy, clock: Clock) -> float:
    """The seconds that the server asks for."""
    asked = read_retry_after(answer, clock.wall_clock())
    if asked > min(policy.longest_retry_after_seconds, seconds_left(policy, clock)):
        moment = format_moment(clock.wall_clock() + asked)
        raise TemporaryFailure(f"{answer.url}: busy, answered {answer.status}; run it again after {moment}")
    return asked
