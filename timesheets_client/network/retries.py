"""Repeat a request that may succeed a little later, within the time that the run has."""

import math
import random
import re
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from timesheets_client.errors import NothingSent, TemporaryFailure
from timesheets_client.network.messages import Answer

if TYPE_CHECKING:
    from tenacity import RetryCallState

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
INITIAL_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 30
# A run does not wait for a longer Retry-After.
MAX_RETRY_AFTER_SECONDS = 300
SECONDS = re.compile(r"\d{1,9}", re.ASCII)
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


class Busy(TemporaryFailure):
    """An answer that may be another one a little later."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.url}: answered {answer.status}.")
        self.answer = answer


def send_with_retries(
    send: Callable[[], Answer],
    retries: int,
    clock: Clock,
    statuses: Container[int] = RETRIED_STATUSES,
    server: str = "the API",
) -> Answer:
    """The first answer whose status is not in `statuses`, else the last answer.

    Raises the last TemporaryFailure if the last attempt got no answer; it is NothingSent only if no attempt
    sent anything. Raises a TemporaryFailure with a time if Retry-After is too long.
    """
    # Importing it takes time, and most runs that end early end before this point.
    import tenacity

    if clock.seconds_left <= 0:
        raise TemporaryFailure(f"the --deadline has passed, so {server} was not called; run it again later.")
    failures: list[TemporaryFailure] = []

    def attempt() -> Answer:
        try:
            answer = send()
            if answer.status not in statuses:
                return answer
            raise Busy(answer)
        except TemporaryFailure as error:
            failures.append(error)
            if all(isinstance(each, NothingSent) for each in failures) or not isinstance(error, NothingSent):
                raise
            raise TemporaryFailure(
                f"{error.reason} An earlier attempt may still have arrived; run it again later.", error.reason
            ) from None

    def announce(state: "RetryCallState") -> None:
        clock.announce(f"waiting {state.upcoming_sleep:.1f} s for {server}: {failures[-1].reason}")

    retrying = tenacity.Retrying(
        sleep=clock.sleep,
        wait=lambda state: choose_wait(failures[-1], state.attempt_number, clock),
        # tenacity calls `wait` before `stop`.
        stop=lambda state: state.attempt_number > retries or state.upcoming_sleep >= clock.seconds_left,
        retry=tenacity.retry_if_exception_type(TemporaryFailure),
        before_sleep=announce,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except Busy as busy:
        return busy.answer


def choose_wait(failure: TemporaryFailure, attempt_number: int, clock: Clock) -> float:
    """Retry-After plus full jitter below a bound that doubles, so that the jobs of one minute spread out.

    Raises TemporaryFailure if Retry-After is too long.
    """
    jitter = clock.random() * min(MAX_WAIT_SECONDS, INITIAL_WAIT_SECONDS * 2.0 ** (attempt_number - 1))
    if not isinstance(failure, Busy):
        return jitter
    now = clock.wall_clock()
    retry_after = read_retry_after(failure.answer, now)
    if retry_after > min(MAX_RETRY_AFTER_SECONDS, clock.seconds_left):
        answer, time_to_return = failure.answer, format_timestamp(now + retry_after)
        raise TemporaryFailure(
            f"{answer.url}: busy, answered {answer.status}; run it again after {time_to_return}"
        )
    return retry_after + jitter


def poll(
    attempt: Callable[[], bool], seconds: float, clock: Clock, *, interval_seconds: float, reason: str
) -> bool:
    """Whether `attempt` returns True within `seconds`. Announces a wait, with its reason, once."""
    if attempt():
        return True
    deadline = clock.monotonic() + seconds
    if seconds > 0:
        clock.announce(f"waiting up to {seconds:.1f} s for {reason}.")
    while (left := deadline - clock.monotonic()) > 0:
        clock.sleep(min(interval_seconds, left))
        if attempt():
            return True
    return False


def read_retry_after(answer: Answer, now: float) -> float:
    """The seconds to wait, at `now` (seconds since 1970); 0 without a valid Retry-After.

    The header is seconds or a date (RFC 9110 section 10.2.3). A date is compared with the answer's Date,
    so the clocks need not agree.
    """
    text = answer.headers.get("Retry-After", "").strip()
    if SECONDS.fullmatch(text):
        return min(float(text), NEVER_SECONDS)
    date = read_http_date(text)
    if date is None:
        return 0
    sent_at = read_http_date(answer.headers.get("Date", ""))
    return min(max(0.0, date - (now if sent_at is None else sent_at)), NEVER_SECONDS)


def read_http_date(text: str) -> float | None:
    """Seconds since 1970, from each of the three forms in RFC 9110 section 5.6.7; None from other text."""
    try:
        date = parsedate_to_datetime(text)
        # All three forms are in UTC, and one does not say so.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def format_timestamp(seconds: float) -> str:
    """Local time, as in `2026-11-24 14:05:00 CET`."""
    return f"{datetime.fromtimestamp(math.ceil(seconds), UTC).astimezone():%Y-%m-%d %H:%M:%S %Z}"
