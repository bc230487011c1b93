"""The kinds of field that DRF does not have: those with the client's limits, weeks and timestamps."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from timesheets import conf
from timesheets.formats.days import Week, find_start_of_day
from timesheets_files import limits


class LimitedField(serializers.Field[Any, Any, Any, Any]):
    """A field whose limits are those that the client knows too. They word its errors."""

    def __init__(self, read: Callable[[object], Any], **options: Any) -> None:
        super().__init__(**options)
        self._read = read

    def to_internal_value(self, data: object) -> Any:
        try:
            return self._read(data)
        except limits.LimitBroken as broken:
            raise serializers.ValidationError(str(broken)) from None


def make_week_field(
    read: Callable[[str], Week] = Week.parse, example: str = "a week, such as 2026-W47"
) -> LimitedField:
    """A field for a week, as `read` reads it. That raises ValueError."""

    def read_week(data: Any) -> Week:
        try:
            return read(data)
        except ValueError:
            raise limits.LimitBroken(f"Send {example}.") from None

    return LimitedField(read_week)


class TimestampField(LimitedField):
    """An RFC 3339 date-time (section 5.6), or a date, which means its midnight in the API's time zone.

    The value is in UTC, since PostgreSQL refuses offsets of 16 hours and more, which RFC 3339 allows.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(limits.read_timestamp, **options)

    def to_internal_value(self, data: object) -> datetime:
        moment: datetime = super().to_internal_value(data)
        if moment.tzinfo is None:
            return find_start_of_day(str(data), conf.time_zone())
        return moment.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        """In UTC, with `Z` and with no fraction or one of 3 or 6 digits."""
        utc = value.astimezone(UTC).replace(tzinfo=None)
        if utc.microsecond == 0:
            precision = "seconds"
        else:
            precision = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
        return f"{utc.isoformat(timespec=precision)}Z"
