"""The kinds of field that DRF does not have: hours, revisions and timestamps."""

import bisect
import functools
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from timesheets import conf
from timesheets.storage.entries import MAX_REVISION

HOURS_TEXT = re.compile(r"\d{1,2}(\.\d+)?", re.ASCII)

_TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt](?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d+))?"
    r"(?P<zone>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d))?",
    re.ASCII,
)


class HoursField(serializers.Field[Decimal, Any, int | float, Decimal]):
    """Hours as a JSON number or a decimal string, judged by value. They may be 0."""

    default_error_messages = {
        "invalid": serializers.DecimalField.default_error_messages["invalid"],
        "min_value": "Ensure this value is greater than 0.",
        "max_value": "Ensure this value is less than or equal to 24.",
        "decimals": "Ensure that there are no more than 2 decimal places.",
    }

    def to_internal_value(self, data: object) -> Decimal:
        if isinstance(data, str) and HOURS_TEXT.fullmatch(data):
            data = Decimal(data)
        if not isinstance(data, Decimal):
            self.fail("invalid")
        if data < 0:
            self.fail("min_value")
        if data > 24:
            self.fail("max_value")
        hours = data.quantize(Decimal("0.01"), rounding=ROUND_DOWN)
        if hours != data:
            self.fail("decimals")
        # -0 becomes 0.
        return abs(hours)

    def to_representation(self, value: Decimal) -> int | float:
        """A JSON number. A whole number has no decimal point; two decimal places survive a float."""
        return int(value) if value == value.to_integral_value() else float(value)


class RevisionField(serializers.Field[int, Any, int, int]):
    """The number of a revision as a JSON number, judged by value: 2.0 is 2. Text is not a number."""

    default_error_messages = {
        "invalid": serializers.IntegerField.default_error_messages["invalid"],
        "min_value": "Ensure this value is greater than or equal to 1.",
        "max_value": f"Ensure this value is less than or equal to {MAX_REVISION}.",
    }

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, Decimal):
            self.fail("invalid")
        if data < 1:
            self.fail("min_value")
        if data > MAX_REVISION:
            self.fail("max_value")
        if data != int(data):
            self.fail("invalid")
        return int(data)

    def to_representation(self, value: int) -> int:
        return value


class TimestampField(serializers.Field[datetime, Any, str, datetime]):
    """An RFC 3339 date-time (section 5.6), or a date, which means its midnight in the API's time zone.

    The value is in UTC, since PostgreSQL refuses offsets of 16 hours and more, which RFC 3339 allows.
    """

    default_error_messages = {
        "invalid": (
            "Send an RFC 3339 date-time with seconds and a time zone, such as 2017-05-10T17:40:20Z, "
            "or a date, such as 2017-05-10."
        ),
        "precision": "Ensure that the seconds have no more than 6 fractional digits.",
        "calendar": "There is no such day.",
        "range": "Ensure the year is between 1900 and 2999.",
    }

    def to_internal_value(self, data: object) -> datetime:
        match = _TIMESTAMP.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.fail("invalid")
        day, time, fraction, zone = match.group("day", "time", "fraction", "zone")
        if not "1900" <= day[:4] <= "2999":
            self.fail("range")
        if fraction and len(fraction) > 6:
            self.fail("precision")
        try:
            if time is None:
                return find_start_of_day(day, conf.time_zone())
            timestamp = f"{day}T{time}.{(fraction or '').ljust(6, '0')}{zone.upper()}"
            return datetime.fromisoformat(timestamp).astimezone(UTC)
        except ValueError:
            self.fail("calendar")

    def to_representation(self, value: datetime) -> str:
        """In UTC, with `Z` and with no fraction or one of 3 or 6 digits."""
        utc = value.astimezone(UTC).replace(tzinfo=None)
        if utc.microsecond == 0:
            precision = "seconds"
        else:
            precision = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
        return f"{utc.isoformat(timespec=precision)}Z"


@functools.lru_cache(maxsize=1024)
def find_start_of_day(day: str, zone: ZoneInfo) -> datetime:
    """Midnight of the day; if the zone skips that midnight, the first moment after it."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    earliest, latest = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    if latest <= earliest:
        # Midnight occurs once or twice. The first occurrence counts.
        return latest
    offset_after = midnight.replace(fold=1).utcoffset()

    def gap_has_passed(second: int) -> bool:
        return (earliest + timedelta(seconds=second)).astimezone(zone).utcoffset() == offset_after

    seconds = range(int((latest - earliest).total_seconds()))
    return earliest + timedelta(seconds=bisect.bisect_left(seconds, True, key=gap_has_passed))
