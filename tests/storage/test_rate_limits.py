"""Each use of a limit is counted once, whichever process counts it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.models import F

from timesheets.models import Usage
from timesheets.storage.rate_limits import Rate, forget_expired, give_back, parse_rate, use

pytestmark = pytest.mark.usefixtures("database")

NAME = ("client", "https://issuer.example/", "payroll")
RATE = Rate(count=3, seconds=60)


def use_many(times: int, rate: Rate = RATE) -> list[int]:
    return [use(NAME, rate) for _ in range(times)]


def move(seconds: float) -> None:
    """Let the period of everybody have begun `seconds` later."""
    Usage.objects.update(began_at=F("began_at") + seconds)


def test_a_use_beyond_the_rate_is_told_when_to_come_back() -> None:
    *allowed, refused = use_many(4)

    assert allowed == [0, 0, 0]
    assert 50 < refused <= 60


def test_each_name_has_its_own_count() -> None:
    use_many(4)

    assert use((*NAME[:2], "other"), RATE) == 0
    assert use((NAME[0], "https://stranger.example/", NAME[2]), RATE) == 0


def test_a_refused_use_does_not_count_and_no_name_is_stored() -> None:
    use_many(10)

    [usage] = Usage.objects.all()
    assert usage.count == 3
    # The key does not show the name.
    assert "payroll" not in usage.key


def test_the_count_starts_again_after_the_period() -> None:
    use_many(4)
    move(-61)

    *allowed, refused = use_many(4)

    assert allowed == [0, 0, 0]
    assert refused > 50


@pytest.mark.parametrize(("seconds", "wait"), [(30, 60), (10**8, 0)])
def test_a_clock_that_is_ahead_gives_nobody_more_and_one_that_was_years_ahead_locks_nobody_out(
    seconds: int, wait: int
) -> None:
    use_many(3)
    move(seconds)

    assert use_many(1) == [wait]


def test_uses_at_the_same_time_are_all_counted() -> None:
    def use_and_close(_: int) -> int:
        try:
            return use(NAME, Rate(count=50, seconds=3600))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as executor:
        waits = list(executor.map(use_and_close, range(200)))

    assert waits.count(0) == 50


def test_a_count_takes_no_connection_from_callers_with_slow_bodies() -> None:
    use_many(4)

    assert connections["default"].connection is None


def test_a_use_can_be_given_back() -> None:
    use_many(3)

    give_back(NAME)

    assert [wait > 0 for wait in use_many(2)] == [False, True]


def test_only_old_counts_expire() -> None:
    use_many(1)
    move(-86_401)
    use(("other",), RATE)

    forget_expired()

    assert Usage.objects.filter(began_at__gt=time.time() - 60).count() == Usage.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/min", Rate(count=600, seconds=60)),
        ("1/s", Rate(count=1, seconds=1)),
        ("5/hour", Rate(count=5, seconds=3600)),
        ("999999999/d", Rate(count=999_999_999, seconds=86_400)),
    ],
)
def test_a_rate_is_a_number_and_a_period(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["0/min", "600", "600/", "/min", "600/month", "-1/s", "1.5/s", "600/10min", "600 / min", "6" * 10 + "/s"],
)
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="Not a rate"):
        parse_rate(text)
