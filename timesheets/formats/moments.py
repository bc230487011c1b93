"""Write days and moments as people read them, in the zone that they are in."""

from datetime import date, datetime


def write_day(moment: date) -> str:
    """Such as `10 May 2017`."""
    return f"{moment.day} {moment:%b %Y}"


def write_moment(moment: datetime) -> str:
    """Such as `10 May 2017, 17:40`."""
    return f"{write_day(moment)}, {moment:%H:%M}"
