"""Turn a JSON value or a CSV row into an entry, and an entry into the members of a response."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from django.core.validators import RegexValidator
from rest_framework import serializers

from timesheets import conf
from timesheets.exceptions import InvalidEntry, make_sentence
from timesheets.fields import LimitedField, TimestampField
from timesheets.formats.days import Week, find_start_of_day
from timesheets.models import AssignmentList, Rejection, Run, Upload
from timesheets.storage.assignments import COLUMNS, parse_list
from timesheets.storage.entries import Entry
from timesheets.storage.missing import Person
from timesheets.storage.queries import Change, StoredEntry
from timesheets.storage.run_lines import Shares, add_up, write_hours
from timesheets.storage.totals import Group
from timesheets.trust.principals import ClientKey
from timesheets_files import limits
from timesheets_files.limits import ENTRY_ID, HOURS_TEXT, MAX_LENGTHS
from timesheets_files.members import Unfit
from timesheets_files.strict_json import REPEATED

# The fast path accepts no white space at the ends of a name, no control characters and no unusual date.
_PLAIN_NAME = re.compile(r"(?!\s)[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+(?<!\s)")
_PLAIN_DATE = re.compile(
    r"(?:19|2\d)\d\d-\d\d-\d\d"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))?",
    re.ASCII,
)
# Every way to write hours with at most two decimal places and without leading zeros.
_HOURS_BY_TEXT = {
    f"{hours:.{places}f}": hours
    for hours in (Decimal(cents) / 100 for cents in range(1, 2401))
    for places in range(3)
    if round(hours, places) == hours
}
_no_control_characters = RegexValidator(
    limits.CONTROL_CHARACTER, limits.CONTROL_CHARACTERS, inverse_match=True
)


def _limited_text(name: str, **options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=limits.MAX_LENGTHS[name], validators=[_no_control_characters], **options
    )


def make_identifier_field(**options: Any) -> serializers.RegexField:
    """A field for an `entry_id`, or another name that a client chooses."""
    pattern = re.compile(rf"^{ENTRY_ID.pattern}\Z", re.ASCII)
    return serializers.RegexField(
        pattern, trim_whitespace=False, error_messages={"invalid": limits.WRONG_ENTRY_ID}, **options
    )


# It keeps no state between calls.
_TIMESTAMP = TimestampField()


class EntrySerializer(serializers.Serializer[Entry]):
    """Validates one entry. Every error message about an entry comes from here."""

    default_error_messages = {"invalid": "Expected an object with the members of an entry."}

    user_id = _limited_text("user_id")
    date = TimestampField()
    project = _limited_text("project")
    hours = LimitedField(limits.read_hours)
    entry_id = make_identifier_field(required=False, allow_null=True)
    revision = LimitedField(limits.read_revision, required=False, allow_null=True)
    reason = _limited_text("reason", required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        try:
            value: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = cast("dict[str, Any]", error.detail)
        if isinstance(data, Mapping):
            errors |= self._find_wrong_members(data)
            errors |= self._find_wrong_combinations(data, errors)
        if errors:
            in_order = {name: errors[name] for name in [*self.fields, *errors] if name in errors}
            raise serializers.ValidationError(in_order)
        return value

    def _find_wrong_combinations(
        self, members: Mapping[str, Any], errors: Mapping[str, Any]
    ) -> Mapping[str, list[str]]:
        return {} if "revision" in errors else limits.find_wrong_combinations(members, errors)

    def _find_wrong_members(self, members: Mapping[str, Any]) -> dict[str, list[str]]:
        unknown = [name for name in members if name not in self.fields][: limits.MAX_UNKNOWN_MEMBERS]
        unfit = {name: value.reason for name, value in members.items() if isinstance(value, Unfit)}
        repeated = [name for name, value in members.items() if value is REPEATED and name in self.fields]
        return {
            **{name[: limits.MAX_NAME_LENGTH]: [limits.NO_SUCH_MEMBER] for name in unknown},
            **{name: ["This member is repeated."] for name in repeated},
            **{name: [make_sentence(reason)] for name, reason in unfit.items()},
        }


class CurrentEntrySerializer(EntrySerializer):
    """Validates an entry that states what is current. The API works out its revision."""

    def _find_wrong_combinations(
        self, members: Mapping[str, Any], errors: Mapping[str, Any]
    ) -> Mapping[str, list[str]]:
        wrong = {}
        if members.get("entry_id") is None:
            wrong["entry_id"] = [limits.REQUIRED]
        if members.get("revision") is not None:
            wrong["revision"] = ["The API works out the revision. Send none with correct=true."]
        return wrong


# They keep no state between calls.
_SERIALIZER, _CURRENT_SERIALIZER = EntrySerializer(), CurrentEntrySerializer()
REASON = _SERIALIZER.fields["reason"]


def parse_entry(value: Any) -> Entry:
    """The entry in a JSON value or a CSV row. Raises InvalidEntry with all its errors, in DRF's form.

    The fast path parses most entries, in a thirtieth of the time. The serializer judges all others.
    """
    entry = _parse_plain_entry(value)
    return Entry(**_validate(_SERIALIZER, value)) if entry is None else entry


def parse_current_entry(value: Any, reason: str | None) -> Entry:
    """Like `parse_entry`, for an entry that states what is current. `reason` counts if it has none."""
    members = _validate(_CURRENT_SERIALIZER, value)
    return Entry(**{**members, "reason": members.get("reason") or reason})


def _validate(serializer: EntrySerializer, value: Any) -> dict[str, Any]:
    try:
        members: dict[str, Any] = serializer.run_validation(value)
    except serializers.ValidationError as error:
        detail: Any = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        # DRF creates an object per message, and thousands of entries may have the same errors.
        raise InvalidEntry(
            errors={name: [sys.intern(str(message)) for message in detail[name]] for name in detail}
        ) from None
    return members


def _parse_plain_entry(value: Any) -> Entry | None:
    """The entry; None if it needs the serializer, which trims and refuses."""
    try:
        entry_id = value.get("entry_id")
        date, hours = value["date"], value["hours"]
        is_plain = (
            len(value) == (4 if "entry_id" not in value else 5)
            and _PLAIN_NAME.fullmatch(value["user_id"])
            and len(value["user_id"]) <= MAX_LENGTHS["user_id"]
            and _PLAIN_NAME.fullmatch(value["project"])
            and len(value["project"]) <= MAX_LENGTHS["project"]
            and _PLAIN_DATE.fullmatch(date)
            and (entry_id is None or ENTRY_ID.fullmatch(entry_id))
            and (type(hours) is Decimal or HOURS_TEXT.fullmatch(hours))
        )
        if not is_plain:
            return None
        return Entry(
            user_id=value["user_id"],
            date=_parse_plain_date(date),
            project=value["project"],
            hours=_HOURS_BY_TEXT[str(hours)],
            entry_id=entry_id,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _parse_plain_date(date: str) -> datetime:
    if len(date) == len("2017-05-10"):
        return find_start_of_day(date, conf.time_zone())
    timestamp = datetime.fromisoformat(date)
    return timestamp if timestamp.tzinfo is UTC else timestamp.astimezone(UTC)


def read_hours(value: Any) -> Decimal:
    """The hours in a value that is no valid entry, if they are valid by themselves. Otherwise 0."""
    try:
        return limits.read_hours(value["hours"])
    except (KeyError, TypeError, limits.LimitBroken):
        return Decimal(0)


def represent_content(entry: Entry) -> dict[str, Any]:
    """The four members by which entries are compared."""
    hours = entry.hours
    return {
        "user_id": entry.user_id,
        "date": _TIMESTAMP.to_representation(entry.date),
        "project": entry.project,
        # A whole number has no decimal point; two decimal places survive a float.
        "hours": int(hours) if hours == hours.to_integral_value() else float(hours),
    }


def represent_entry(entry: Entry) -> dict[str, Any]:
    """The members of a response, with `entry_id`, `revision` and `reason` only where they say something."""
    members = represent_content(entry)
    if entry.entry_id is not None:
        members["entry_id"] = entry.entry_id
    if (entry.revision or 1) > 1:
        members |= {"revision": entry.revision, "reason": entry.reason}
    return members


def represent_stored_entry(stored: StoredEntry) -> dict[str, Any]:
    """The members of an entry that is read back: `id`, `received_at`, the ids next to it, and whose it is."""
    return {
        "id": stored.timesheet_id,
        **represent_entry(stored.entry),
        "received_at": _TIMESTAMP.to_representation(stored.received_at),
        **_pick_present(stored, "supersedes", "superseded_by"),
        **represent_client(stored.owner),
    }


def represent_change(change: Change) -> dict[str, Any]:
    """The `row` and its `origin`, and what it replaced in `was`: None for the first revision."""
    return {
        "row": represent_stored_entry(change.stored),
        "origin": change.stored,
        "was": change.previous and represent_entry(change.previous),
    }


def represent_receipt(receipt: Upload, owner: ClientKey | None) -> dict[str, Any]:
    """The members of a receipt, and whose it is. What does not exist is None."""
    return {
        **_pick(receipt, "id", "label", "received_at", "subject", "token_id", "request_id", "media_type"),
        "bytes": receipt.byte_count,
        **_pick(receipt, "sha256", "received", "created", "existing", "rejected"),
        "hours": {
            kind: _represent(getattr(receipt, f"hours_{kind}"))
            for kind in ("received", "created", "existing")
        },
        **_pick(receipt, "first_id", "last_id"),
        **represent_client(owner),
    }


def represent_assignments(newest: AssignmentList | None) -> dict[str, Any]:
    """The list that counts, with None for an empty cell. Without a list, all members are None."""
    if newest is None:
        return {"id": None, "at": None, "assignments": None}
    rows = [
        {name: _represent(cell) or None for name, cell in zip(COLUMNS, astuple(row), strict=True)}
        for row in parse_list(newest)
    ]
    return {"id": newest.pk, "at": _represent(newest.decided_at), "assignments": rows}


def represent_people(
    week: Week, people: Sequence[Person] | None, has_ended: bool, *, names_clients: bool
) -> dict[str, Any]:
    """The members of a week and of its people, with the clients of these if there can be several."""
    rows = [
        _pick(person, "user_id", "hours", "expected", "status")
        | represent_client(person.client if names_clients else None)
        for person in people or ()
    ]
    return {
        "week": str(week),
        "from": week.monday.isoformat(),
        "to": week.sunday.isoformat(),
        "ended": has_ended,
        "people": None if people is None else rows,
    }


def represent_client(client: ClientKey | None) -> dict[str, str]:
    """The members that say whose a row is; none if only rows of one client are in reach."""
    names = {"client": client.client_id, "organization": client.organization} if client else {}
    # Only an organization can be empty.
    return {name: text for name, text in names.items() if text}


def represent_run(run: Run, shares: Shares, *, names_sha256: bool) -> dict[str, Any]:
    """The members of a run, with the totals of the shares. The SHA-256 is about the lines of every client."""
    totals = add_up(shares)
    return {
        **_pick(run, "label", "through", "as_of", "created_at", "time_zone"),
        **({"sha256": run.sha256} if names_sha256 else {}),
        "lines": totals["lines"],
        "hours": write_hours(totals["hours"]),
        "held": write_hours(totals["held"]),
    }


def represent_totals(columns: Sequence[str], groups: Sequence[Group], as_of: int) -> dict[str, Any]:
    """The groups, whose names are those of the columns, and what all of them add up to."""
    # Only an organization can be empty.
    rows = [
        {name: text for name, text in zip(columns, group.names, strict=True) if text}
        | {"entries": group.entries, "hours": represent_total(group.hours)}
        for group in groups
    ]
    hours = sum((group.hours for group in groups), Decimal(0))
    entries = sum(group.entries for group in groups)
    return {"results": rows, "entries": entries, "hours": represent_total(hours), "as_of": as_of}


def represent_rejection(row: Rejection) -> dict[str, Any]:
    """The members of a refused entry, with `line` and `sheet` only if its format has them."""
    return {
        **_pick_present(row, "index", "line", "sheet", "status", "code"),
        "errors": json.loads(row.errors),
        "entry": json.loads(row.entry),
    }


def _pick(row: object, *names: str) -> dict[str, Any]:
    return {name: _represent(getattr(row, name)) for name in names}


def _pick_present(row: object, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(row, name)) is not None}


def _represent(value: Any) -> Any:
    if isinstance(value, Decimal):
        return represent_total(value)
    if isinstance(value, datetime):
        return _TIMESTAMP.to_representation(value)
    return value.isoformat() if isinstance(value, date) else value


def represent_total(hours: Decimal) -> str:
    """A sum of hours as text with two decimal places, which no program rounds."""
    return f"{hours:.2f}"
