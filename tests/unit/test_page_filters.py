"""Pages show dates and hours as people write them, with the exact value next to them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from timesheets.templatetags.pages import clock, day, hours, moment

EXACT = "2017-05-10T23:40:20.095Z"


def test_a_moment_is_shown_in_the_api_s_zone_until_the_script_knows_the_reader_s(settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"

    shown = moment(EXACT)

    assert shown == f'<time datetime="{EXACT}" title="{EXACT}" data-show="moment">11 May 2017, 01:40</time>'


def test_a_day_is_one_of_the_api_s_zone_and_stays_so(settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"

    assert day(EXACT) == f'<time datetime="{EXACT}" title="{EXACT}">Thu, 11 May 2017</time>'


def test_a_time_of_day_says_for_which_day_it_counts(settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"

    assert 'data-show="clock" data-day="2017-05-11">01:40</time>' in clock(EXACT)


def test_a_date_without_a_time_shows_none(settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"

    assert clock("2017-05-09T22:00:00Z") == ""
    assert clock("2017-05-10T00:00:00Z") != ""


def test_a_datetime_is_shown_like_its_text() -> None:
    assert moment(datetime(2017, 5, 10, 17, 40, tzinfo=UTC)).endswith(">10 May 2017, 17:40</time>")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(5, '<data value="5" title="5">5.00</data>', id="whole"),
        pytest.param(7.5, '<data value="7.5" title="7.5">7.50</data>', id="float"),
        pytest.param(Decimal("1234.25"), '<data value="1234.25" title="1234.25">1234.25</data>', id="sum"),
    ],
)
def test_hours_have_two_decimals(value: object, shown: str) -> None:
    assert hours(value) == shown
