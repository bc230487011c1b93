"""Pages show dates and hours as people write them, with the exact value next to them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from timesheets.templatetags.pages import clock, day, hours, moment

EXACT = "2017-05-10T23:40:20.095Z"


@pytest.fixture
def berlin(settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"


@pytest.mark.usefixtures("berlin")
def test_times_are_shown_in_the_api_s_zone() -> None:
    machine = f'<time datetime="{EXACT}" title="{EXACT}"'
    # Until the script knows the reader's zone.
    assert moment(EXACT) == f'{machine} data-show="moment">11 May 2017, 01:40</time>'
    # A day stays one of the API's zone, and a time of day says for which day it counts.
    assert day(EXACT) == f"{machine}>Thu, 11 May 2017</time>"
    assert 'data-show="clock" data-day="2017-05-11">01:40</time>' in clock(EXACT)


@pytest.mark.usefixtures("berlin")
def test_a_date_without_a_time_shows_none() -> None:
    assert clock("2017-05-09T22:00:00Z") == ""
    assert clock("2017-05-10T00:00:00Z") != ""


def test_a_datetime_is_shown_like_its_text() -> None:
    assert moment(datetime(2017, 5, 10, 17, 40, tzinfo=UTC)).endswith(">10 May 2017, 17:40</time>")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(5, "5.00"), (7.5, "7.50"), (Decimal("1234.25"), "1,234.25")],
    ids=["whole", "float", "sum"],
)
def test_hours_have_two_decimals_and_thousands_separators(value: object, shown: str) -> None:
    assert hours(value) == f'<data value="{value}" title="{value}">{shown}</data>'
