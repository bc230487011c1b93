"""Show dates and hours to people. The exact value is always in `title`.

A day is a day of `TIMESHEETS_TIME_ZONE`, wherever the reader is, because days decide pay. Times of day are
those of the reader's zone: pages.js rewrites each `<time data-show>`.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from timesheets import conf
from timesheets.formats.days import write_day, write_moment
from timesheets.renderers import write_errors

register = template.Library()
register.filter("errors", write_errors)

_NONE = SafeString()
_TIME = '<time datetime="{exact}" title="{exact}"{attributes}>{text}</time>'


@register.filter
def moment(value: str | datetime) -> SafeString:
    """The day and the time of day, such as `10 May 2017, 17:40`."""
    return _show(value, write_moment(_read(value)), SafeString(' data-show="moment"'))


@register.filter
def day(value: str | datetime) -> SafeString:
    """The day of an entry's date, such as `Wed, 10 May 2017`."""
    local = _read(value)
    return _show(value, f"{local:%a}, {write_day(local)}")


@register.filter
def clock(value: str | datetime) -> SafeString:
    """The time of day of an entry's date; nothing at midnight, which is what a date without a time means."""
    local = _read(value)
    if local.time() == time():
        return _NONE
    return _show(value, f"{local:%H:%M}", format_html(' data-show="clock" data-day="{}"', local.date()))


@register.filter
def on_day(value: str) -> SafeString:
    """A day without a time, such as `10 May 2017`."""
    return format_html('<time datetime="{}">{}</time>', value, write_day(date.fromisoformat(value)))


@register.filter
def next_day(value: str | date) -> str:
    """The day after a date, such as `2017-05-11`, where a list of entries of that date ends."""
    return str(date.fromisoformat(str(value)) + timedelta(days=1))


@register.filter
def hours(value: object) -> SafeString:
    """Hours with two decimals, so that they align, such as `7.50`."""
    return format_html('<data value="{0}" title="{0}">{1}</data>', value, f"{Decimal(str(value)):,.2f}")


@register.filter
def count(value: int) -> str:
    return f"{value:,}"


def _show(value: str | datetime, text: str, attributes: SafeString = _NONE) -> SafeString:
    exact = value.isoformat() if isinstance(value, datetime) else value
    return format_html(_TIME, exact=exact, text=text, attributes=attributes)


def _read(value: str | datetime) -> datetime:
    """The moment in the API's zone."""
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return instant.astimezone(conf.time_zone())
