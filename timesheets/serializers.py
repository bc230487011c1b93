"""From a JSON value to an entry, and from a stored timesheet to its answer."""

import bisect
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.core.validators import RegexValidator
from rest_framework import serializers

from timesheets import conf
from timesheets.exceptions import InvalidEntry
from timesheets.ingest import Entry
from timesheets.models import Timesheet

# What a parser puts in the place of a member that came twice: none of its values is the right one.
REPEATED = object()

MAX_UNKNOWN_MEMBERS = 20
MAX_NAME_LENGTH = 64

ENTRY_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)

_DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt](?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d+))?"
    r"(?P<zone>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d))?",
    re.ASCII,
)
_HOURS = re.compile(r"\d{1,2}(\.\d+)?", re.ASCII)
_no_control_characters = RegexValidator(
    r"[\x00-\x1f\x7f-\x9f]", "Control characters are not allowed.", inverse_match=True
)


class HoursField(serializers.Field[Decimal, Any, int | float, Decimal]):
    """Hours as a JSON number or a plain decimal string, judged by value."""

    default_error_messages = {
        "invalid": serializers.DecimalField.default_error_messages["invalid"],
        "min_value": "Ensure this value is greater than 0.",
        "max_value": "Ensure this value is less than or equal to 24.",
        "decimals": "Ensure that there are no more than 2 decimal places.",
    }

    def to_internal_value(self, data: object) -> Decimal:
        if isinstance(data, str) and _HOURS.fullmatch(data):
            data = Decimal(data)
        if not isinstance(data, Decimal):
            self.fail("invalid")
        if data <= 0:
            self.fail("min_value")
        if data > 24:
            self.fail("max_value")
        hours = data.quantize(Decimal("0.01"), rounding=ROUND_DOWN)
        if hours != data:
            self.fail("decimals")
        return hours

    def to_representation(self, value: Decimal) -> int | float:
        """A JSON number, whole ones without a point; two decimals survive a float."""
        return int(value) if value == value.to_integral_value() else float(value)


class MomentField(serializers.Field[datetime, Any, str, datetime]):
    """A moment by RFC 3339 section 5.6, or a date, which means its midnight in the API's zone."""

    default_error_messages = {
        "invalid": (
            "Send a date-time of RFC 3339 with seconds and zone, such as 2017-05-10T17:40:20Z, "
            "or a date, such as 2017-05-10."
        ),
        "precision": "Ensure that there are no more than 6 digits of a second's fraction.",
        "calendar": "There is no such day.",
        "range": "Ensure the year is between 1900 and 2999.",
    }

    def to_internal_value(self, data: object) -> datetime:
        match = _DATE.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.fail("invalid")
        day, time, fraction, zone = match.group("day", "time", "fraction", "zone")
        if not "1900" <= day[:4] <= "2999":
            self.fail("range")
        if fraction and len(fraction) > 6:
            self.fail("precision")
        try:
            if time is None:
                return find_midnight(datetime.fromisoformat(day), conf.time_zone())
            moment = f"{day}T{time}.{(fraction or '').ljust(6, '0')}{zone.upper()}"
            return datetime.fromisoformat(moment)
        except ValueError:
            self.fail("calendar")

    def to_representation(self, value: datetime) -> str:
        """In UTC with `Z`, the fraction absent, of 3 or of 6 digits."""
        moment = value.astimezone(UTC).replace(tzinfo=None)
        if moment.microsecond == 0:
            precision = "seconds"
        else:
            precision = "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
        return f"{moment.isoformat(timespec=precision)}Z"


class EntrySerializer(serializers.Serializer[Timesheet]):
    """One entry. Its words are the only ones in which an entry is refused."""

    user_id = serializers.CharField(max_length=64, validators=[_no_control_characters])
    date = MomentField()
    project = serializers.CharField(max_length=128, validators=[_no_control_characters])
    hours = HoursField()
    entry_id = serializers.RegexField(
        re.compile(rf"^{ENTRY_ID.pattern}\Z", re.ASCII),
        required=False,
        allow_null=True,
        trim_whitespace=False,
        error_messages={"invalid": "Send 1 to 128 of the characters A-Z a-z 0-9 . _ : -"},
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        errors = self._find_wrong_members(data) if isinstance(data, Mapping) else {}
        try:
            value: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**cast("dict[str, Any]", error.detail), **errors}) from None
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _find_wrong_members(self, members: Mapping[str, Any]) -> dict[str, list[str]]:
        unknown = [name for name in members if name not in self.fields][:MAX_UNKNOWN_MEMBERS]
        repeated = [name for name, value in members.items() if value is REPEATED and name in self.fields]
        return {
            **{name[:MAX_NAME_LENGTH]: ["There is no such member."] for name in unknown},
            **{name: ["This member comes more than once."] for name in repeated},
        }


def parse_entry(value: Any) -> Entry:
    """The entry that a JSON value stands for. Raises InvalidEntry with all its errors."""
    serializer = EntrySerializer(data=value)
    if not serializer.is_valid():
        raise InvalidEntry(errors=serializer.errors)
    return Entry(**serializer.validated_data)


def represent_timesheet(timesheet: Timesheet) -> dict[str, Any]:
    """The answer's members for a stored timesheet; `entry_id` only where it has one."""
    members = {"id": timesheet.pk, **EntrySerializer(timesheet).data}
    if members["entry_id"] is None:
        del members["entry_id"]
    return members


def find_midnight(day: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of a day; where the zone skips its midnight, the first moment after the gap."""
    midnight = day.replace(tzinfo=zone)
    earliest, latest = (midnight.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    if latest <= earliest:
        # Midnight comes once, or twice, when its first coming counts.
        return latest
    offset_after = midnight.replace(fold=1).utcoffset()

    def gap_has_passed(second: int) -> bool:
        return (earliest + timedelta(seconds=second)).astimezone(zone).utcoffset() == offset_after

    seconds = range(int((latest - earliest).total_seconds()))
    return earliest + timedelta(seconds=bisect.bisect_left(seconds, True, key=gap_has_passed))
