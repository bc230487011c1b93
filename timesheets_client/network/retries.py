"""Repeat a request that may succeed a little later, within the time that the run has."""

import math
import random
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from timesheets_client.errors import TemporaryFailure
from timesheets_client.network.messages import Answer

if TYPE_CHECKING:
    from tenacity import RetryCallState

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
INITIAL_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 30
POLL_SECONDS = 0.05
# A run does not wait for a longer Retry-After.
MAX_RETRY_AFTER_SECONDS = 300
# A longer Retry-After means "never", and not every platform can format a date that far away.
NEVER_SECONDS = 366 * 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, sleep and randomness, so that tests neither wait nor guess; `announce` gets a text per wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    # Seconds since 1970, for times that outlive the process or come from another machine.
    wall_clock: Callable[[], float] = time.time
    announce: Callable[[str], object] = lambda _: None
    # The end of the run, by `monotonic`.
    deadline: float = math.inf

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, negative after it."""
        return self.deadline - self.monotonic()

    def limit(self, seconds: float) -> float:
        """`seconds`, or what is left of the run if that is less."""
        return max(0.0, min(seconds, self.seconds_left))


def send_with_retries(
    send: Callable[[], Answer],
    retries: int,
    clock: Clock,
    statuses: Container[int] = RETRIED_STATUSES,
    server: str = "the API",
) -> Answer:
    """The first answer whose status is not in `statuses`, else the last answer.

    Raises the last TemporaryFailure if the last attempt got no answer, and a TemporaryFailure with a time if
    Retry-After is too long.
    """
    # Importing it takes time, and most runs that end early end before this point.
    import tenacity

    if clock.seconds_left <= 0:
        raise TemporaryFailure(f"the --deadline has passed, so {server} was not called; run it again later.")

    def announce(state: "RetryCallState") -> None:
        outcome = read_outcome(state)
        if isinstance(outcome, Answer):
            reason = f"{outcome.url}: answered {outcome.status}."
        else:
            reason = outcome.reason
        clock.announce(f"waiting {state.upcoming_sleep:.1f} s for {server}: {reason}")

    return tenacity.Retrying(
        sleep=clock.sleep,
        wait=lambda state: choose_wait(read_outcome(state), state.attempt_number, clock),
        # tenacity calls `wait` before `stop`.
        stop=lambda state: state.attempt_number > retries or state.upcoming_sleep >= clock.seconds_left,
        retry=tenacity.retry_if_exception_type(TemporaryFailure)
        | tenacity.retry_if_result(lambda answer: answer.status in statuses),
        before_sleep=announce,
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )(send)


def read_outcome(state: "RetryCallState") -> Answer | TemporaryFailure:
    outcome: Any = state.outcome
    return outcome.exception() or outcome.result()  # type: ignore[no-any-return]


def choose_wait(outcome: Answer | TemporaryFailure, attempt_number: int, clock: Clock) -> float:
    """Retry-After plus full jitter below a bound that doubles, so that the jobs of one minute spread out.

    Raises TemporaryFailure if Retry-After is too long.
    """
    jitter = clock.random() * min(MAX_WAIT_SECONDS, INITIAL_WAIT_SECONDS * 2.0 ** (attempt_number - 1))
    if not isinstance(outcome, Answer):
        return jitter
    now = clock.wall_clock()
    retry_after = read_retry_after(outcome, now)
    if retry_after > min(MAX_RETRY_AFTER_SECONDS, clock.seconds_left):
        time_to_return = datetime.fromtimestamp(math.ceil(now + retry_after), UTC).astimezone()
        raise TemporaryFailure(
            f"{outcome.url}: busy, answered {outcome.status}; "
            f"run it again after {time_to_return:%Y-%m-%d %H:%M:%S %Z}"
        )
    return retry_after + jitter


def poll(attempt: Callable[[], bool], seconds: float, clock: Clock, reason: str) -> bool:
    """Whether `attempt` returns True within `seconds`. Announces a wait, with its reason, once."""
    seconds = clock.limit(seconds)
    deadline = clock.monotonic() + seconds
    is_done = attempt()
    if not is_done and seconds > 0:
        clock.announce(f"waiting up to {seconds:.1f} s for {reason}.")
    while not is_done and (left := deadline - clock.monotonic()) > 0:
        clock.sleep(min(POLL_SECONDS, left))
        is_done = attempt()
    return is_done


def read_retry_after(answer: Answer, now: float) -> float:
    """The seconds to wait, at `now` (seconds since 1970); 0 without a valid Retry-After.

    The header is seconds or a date (RFC 9110 section 10.2.3).
    """
    text = answer.headers.get("Retry-After", "").strip()
    try:
        is_number = text.isascii() and text.isdigit()
        seconds = float(text) if is_number else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return 0
    return min(max(0.0, seconds), NEVER_SECONDS)
