"""The documented limits of an entry's members. The API refuses with them, and the client checks with them."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

MAX_LENGTHS = {"user_id": 64, "project": 128, "reason": 200}
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
ENTRY_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
ENTRY_ID_CHARACTERS = "1 to 128 of the characters A-Z a-z 0-9 . _ : -"
HOURS_TEXT = re.compile(r"\d{1,2}(\.\d+)?", re.ASCII)
MAX_HOURS = 24
FIRST_YEAR, LAST_YEAR = 1900, 2999
MAX_REVISION = 1_000
MAX_UNKNOWN_MEMBERS = 20
MAX_NAME_LENGTH = 64

TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt](?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d+))?"
    r"(?P<zone>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d))?",
    re.ASCII,
)

# The first words are those of Django REST Framework.
REQUIRED = "This field is required."
BLANK = "This field may not be blank."
NO_TEXT = "Not a valid string."
CONTROL_CHARACTERS = "Control characters are not allowed."
NO_SUCH_MEMBER = "There is no such member."
WRONG_ENTRY_ID = f"Send {ENTRY_ID_CHARACTERS}"
NO_HOURS = "Ensure this value is greater than 0."
TOO_MANY_HOURS = f"Ensure this value is less than or equal to {MAX_HOURS}."
NO_INTEGER = "A valid integer is required."
NO_TIMESTAMP = (
    "Send an RFC 3339 date-time with seconds and a time zone, such as 2017-05-10T17:40:20Z, "
    "or a date, such as 2017-05-10."
)


class LimitBroken(Exception):
    """The message says which limit, in the words of the API."""


def read_hours(value: object) -> Decimal:
    """The hours in a number or a decimal text, judged by value. They may be 0. Raises LimitBroken."""
    if isinstance(value, str) and HOURS_TEXT.fullmatch(value):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise LimitBroken("A valid number is required.")
    if value < 0:
        raise LimitBroken(NO_HOURS)
    if value > MAX_HOURS:
        raise LimitBroken(TOO_MANY_HOURS)
    hours = value.quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    if hours != value:
        raise LimitBroken("Ensure that there are no more than 2 decimal places.")
    # -0 becomes 0.
    return abs(hours)


def read_revision(value: object) -> int:
    """The number of a revision, judged by value: 2.0 is 2. Text is not a number. Raises LimitBroken."""
    if not isinstance(value, Decimal):
        raise LimitBroken(NO_INTEGER)
    if value < 1:
        raise LimitBroken("Ensure this value is greater than or equal to 1.")
    if value > MAX_REVISION:
        raise LimitBroken(f"Ensure this value is less than or equal to {MAX_REVISION}.")
    if value != int(value):
        raise LimitBroken(NO_INTEGER)
    return int(value)


def read_timestamp(value: object) -> datetime:
    """The moment in an RFC 3339 date-time (section 5.6); a date is its midnight, without a zone.

    Raises LimitBroken.
    """
    match = TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise LimitBroken(NO_TIMESTAMP)
    day, time, fraction, zone = match.group("day", "time", "fraction", "zone")
    if not FIRST_YEAR <= int(day[:4]) <= LAST_YEAR:
        raise LimitBroken(f"Ensure the year is between {FIRST_YEAR} and {LAST_YEAR}.")
    if fraction and len(fraction) > 6:
        raise LimitBroken("Ensure that the seconds have no more than 6 fractional digits.")
    try:
        rest = "" if time is None else f"T{time}.{(fraction or '').ljust(6, '0')}{zone.upper()}"
        return datetime.fromisoformat(f"{day}{rest}")
    except ValueError:
        raise LimitBroken("There is no such day.") from None


def require_text(value: object, max_length: int) -> None:
    if not isinstance(value, str):
        raise LimitBroken(NO_TEXT)
    text = value.strip()
    if not text:
        raise LimitBroken(BLANK)
    if len(text) > max_length:
        raise LimitBroken(f"Ensure this field has no more than {max_length} characters.")
    if CONTROL_CHARACTER.search(text):
        raise LimitBroken(CONTROL_CHARACTERS)


def require_entry_id(value: object) -> None:
    if not isinstance(value, str):
        raise LimitBroken(NO_TEXT)
    if not value:
        raise LimitBroken(BLANK)
    if not ENTRY_ID.fullmatch(value):
        raise LimitBroken(WRONG_ENTRY_ID)


RULES: Mapping[str, Callable[[object], object]] = {
    "user_id": lambda value: require_text(value, MAX_LENGTHS["user_id"]),
    "date": read_timestamp,
    "project": lambda value: require_text(value, MAX_LENGTHS["project"]),
    "hours": read_hours,
    "entry_id": require_entry_id,
    "revision": read_revision,
    "reason": lambda value: require_text(value, MAX_LENGTHS["reason"]),
}
OPTIONAL = ("entry_id", "revision", "reason")


def find_faults(members: Mapping[str, object]) -> dict[str, list[str]]:
    """Return faults that the API always refuses, by member. Empty if only the API can tell."""
    faults = {}
    for name, judge in RULES.items():
        value = members.get(name)
        if value is not None:
            try:
                judge(value)
            except LimitBroken as broken:
                faults[name] = [str(broken)]
        elif name not in OPTIONAL:
            faults[name] = ["This field may not be null." if name in members else REQUIRED]
    unknown = [name for name in members if name not in RULES][:MAX_UNKNOWN_MEMBERS]
    faults |= {name[:MAX_NAME_LENGTH]: [NO_SUCH_MEMBER] for name in unknown}
    return faults if "revision" in faults else faults | find_wrong_combinations(members, faults)


def find_wrong_combinations(
    members: Mapping[str, object], faults: Mapping[str, object]
) -> dict[str, list[str]]:
    """Return faults of members that the revision requires or rules out, but no second ones."""
    revision = members.get("revision")
    if revision is not None and read_revision(revision) > 1:
        return {name: [REQUIRED] for name in ("entry_id", "reason") if members.get(name) is None}
    wrong = {}
    if "hours" not in faults and not read_hours(members["hours"]):
        wrong["hours"] = [NO_HOURS]
    if members.get("reason") is not None and "reason" not in faults:
        wrong["reason"] = ["Only a correction has a reason. Send it with a revision of 2 or more."]
    return wrong
