import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.client.clocks import FakeClock
from timesheets_client.errors import AccessRefused, NothingSent, TemporaryFailure
from timesheets_client.network.messages import Answer
from timesheets_client.network.retries import read_retry_after, send_with_retries

URL = "https://timesheets.example.com/timesheets/upload"
LOST = TemporaryFailure("lost")


def make_answer(status: int = 503, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(url=URL, status=status, document=None, headers=named, secrets=())


def write_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


@dataclass
class Server:
    """Returns or raises one outcome per call, and repeats the last."""

    outcomes: Sequence[Answer | BaseException]
    fake_clock: FakeClock = field(default_factory=FakeClock)
    takes_seconds: float = 0
    calls: int = 0

    def send(self) -> Answer:
        outcome = self.outcomes[min(self.calls, len(self.outcomes) - 1)]
        self.calls += 1
        self.fake_clock.now += self.takes_seconds
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def call(self, retries: int = 5, deadline_seconds: float = math.inf) -> int:
        clock = replace(self.fake_clock.clock, deadline=self.fake_clock.now + deadline_seconds)
        return send_with_retries(self.send, retries, clock).status


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("status", [200, 201, 207, 400, 401, 403, 404, 409, 413, 422, 501, 505])
def test_a_final_answer_is_returned_at_once(status: int) -> None:
    server = Server([make_answer(status)])

    assert server.call() == status
    assert server.calls == 1
    assert server.fake_clock.slept == []


@pytest.mark.parametrize(
    "outcome",
    [
        *(
            pytest.param(make_answer(status), id=str(status))
            for status in (408, 425, 429, 500, 502, 503, 504)
        ),
        pytest.param(LOST, id="lost connection"),
        pytest.param(NothingSent("no connection"), id="no connection"),
    ],
)
def test_a_temporary_failure_is_retried(outcome: Answer | Exception) -> None:
    server = Server([outcome, make_answer(201)])

    assert server.call() == 201
    assert server.calls == 2


def test_after_the_last_attempt_its_outcome_counts() -> None:
    answered, failed = Server([make_answer(500), LOST, make_answer(503)]), Server([make_answer(500), LOST])

    assert answered.call(retries=2) == 503
    with pytest.raises(TemporaryFailure, match=r"^lost$"):
        failed.call(retries=1)
    assert (answered.calls, failed.calls) == (3, 2)


@pytest.mark.parametrize("error", [AccessRefused("no"), KeyboardInterrupt()], ids=["refusal", "signal"])
def test_another_error_is_not_retried(error: BaseException) -> None:
    server = Server([error])

    with pytest.raises(type(error)):
        server.call()

    assert (server.calls, server.fake_clock.slept) == (1, [])


def test_waits_double_up_to_the_maximum() -> None:
    server = Server([make_answer()])

    server.call(retries=8)

    assert server.fake_clock.slept == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("chance", "slept"), [(0.0, [0, 0, 0]), (0.5, [0.25, 0.5, 1])])
def test_jitter_shortens_each_wait(chance: float, slept: list[float]) -> None:
    server = Server([make_answer()], fake_clock=FakeClock(chance=chance))

    server.call(retries=3)

    assert server.fake_clock.slept == slept


def test_each_wait_is_announced_with_its_reason() -> None:
    server = Server([make_answer(503), NothingSent("No connection."), make_answer(201)])

    server.call()

    assert server.fake_clock.announced == [
        f"waiting 0.5 s for the API: {URL}: answered 503.",
        "waiting 1.0 s for the API: No connection.",
    ]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_jitter_is_added_to_retry_after(status: int) -> None:
    server = Server([make_answer(status, Retry_After="300"), make_answer(201)])

    assert server.call() == 201
    assert server.fake_clock.slept == [300.5]


def test_a_retry_after_that_is_too_long_ends_with_the_local_time_to_return(
    in_zone: pytest.MonkeyPatch,
) -> None:
    server = Server([make_answer(429, Retry_After="301")])
    in_zone.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()

    with pytest.raises(TemporaryFailure) as caught:
        server.call()

    assert str(caught.value) == f"{URL}: busy, answered 429; run it again after 2027-01-15 09:05:01 CET"
    assert (server.calls, server.fake_clock.slept) == (1, [])


def test_a_retry_after_beyond_the_deadline_ends_at_once() -> None:
    server = Server([make_answer(Retry_After="60")])

    with pytest.raises(TemporaryFailure, match="answered 503; run it again after 20"):
        server.call(deadline_seconds=59)

    assert server.fake_clock.slept == []


def test_no_wait_goes_beyond_the_deadline() -> None:
    server = Server([make_answer()])

    assert server.call(retries=100, deadline_seconds=4) == 503
    assert server.fake_clock.slept == [0.5, 1, 2]
    assert len(server.fake_clock.announced) == 3


def test_a_failure_after_the_deadline_is_raised() -> None:
    server = Server([LOST], takes_seconds=10)

    with pytest.raises(TemporaryFailure, match=r"^lost$"):
        server.call(deadline_seconds=5)

    assert server.calls == 1


def test_after_the_deadline_nothing_is_sent() -> None:
    server = Server([make_answer(201)])

    with pytest.raises(TemporaryFailure, match="--deadline has passed, so the API was not called"):
        server.call(deadline_seconds=0)

    assert server.calls == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("7", 7, id="seconds"),
        pytest.param(" 7 ", 7, id="surrounding white space"),
        pytest.param("999999999", 366 * 86400, id="never"),
        pytest.param(write_date(1_800_000_007), 7, id="a date"),
        pytest.param(write_date(1_799_999_000), 0, id="a date in the past"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 366 * 86400, id="the last date"),
        pytest.param("", 0, id="empty"),
        pytest.param("-7", 0, id="negative"),
        pytest.param("7.5", 0, id="a fraction"),
        pytest.param("\u0667", 0, id="a digit outside ASCII"),
        pytest.param("9" * 5000, 366 * 86400, id="thousands of digits"),
        pytest.param("soon", 0, id="a word"),
        pytest.param("Fri, 99 Foo 2027 08:00:07 GMT", 0, id="no such date"),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert read_retry_after(make_answer(Retry_After=text), 1_800_000_000) == seconds
