"""Read the options of an upload from its query string and headers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.request import parse_http_list

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from timesheets.exceptions import InvalidIdempotencyKey, InvalidParameter
from timesheets.permissions import may_correct
from timesheets.serializers import REASON, parse_current_entry, parse_entry
from timesheets.storage.corrections import store_as_current
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import Store
from timesheets.trust.principals import VerifiedToken
from timesheets.uploads.body import TABLE_READERS
from timesheets.uploads.totals import ExpectedTotals
from timesheets_files.dates import DateFormat, find_zone
from timesheets_files.limits import ENTRY_ID, ENTRY_ID_CHARACTERS

_TABLE_PARAMETERS = ("date_format", "time_zone")
_PARAMETERS = (
    "atomic",
    "dry_run",
    "label",
    "expect_entries",
    "expect_hours",
    "correct",
    *_TABLE_PARAMETERS,
)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_HOURS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """`atomic`: store all or none; `dry_run`: store nothing; `is_minimal`: list only rejected entries.

    `label` names the file that the upload is a part of. `correct`: each entry states what is current, and
    `reason` is why, unless an entry says why itself. `date_format` and `zone` are for the dates of a table.
    """

    atomic: bool = False
    dry_run: bool = False
    is_minimal: bool = False
    label: str | None = None
    expected: ExpectedTotals = field(default_factory=ExpectedTotals)
    correct: bool = False
    reason: str | None = None
    date_format: DateFormat = DateFormat.ISO
    zone: tzinfo | None = None

    @property
    def parse(self) -> Callable[[Any], Entry]:
        """The function that makes an entry of a value, or raises InvalidEntry."""
        return partial(parse_current_entry, reason=self.reason) if self.correct else parse_entry

    def choose_store(self, token: VerifiedToken) -> Store | None:
        """The function that stores entries that state what is current."""
        if not self.correct:
            return None
        return partial(store_as_current, may_correct=may_correct(token))


_DEFAULTS = UploadOptions()


def read_options(request: Request) -> UploadOptions:
    """The parameters, and the preference `return=minimal` (RFC 7240). Raises InvalidParameter."""
    headers = request.META
    preferences = headers.get("HTTP_PREFER", "")
    if not (headers.get("QUERY_STRING") or preferences):
        return _DEFAULTS
    correct = _read_boolean(request, "correct")
    known = {*_PARAMETERS, "reason"} if correct else _PARAMETERS
    if any(name not in known for name in request.query_params):
        raise InvalidParameter(
            f"The only parameters are {', '.join(_PARAMETERS)}, and reason with correct=true."
        )
    return UploadOptions(
        atomic=_read_boolean(request, "atomic"),
        dry_run=_read_boolean(request, "dry_run"),
        is_minimal=_prefers_minimal(preferences),
        label=_read_text(request, "label", ENTRY_ID, ENTRY_ID_CHARACTERS),
        expected=_read_expected_totals(request),
        correct=correct,
        reason=_read_reason(request),
        **_read_table_options(request),
    )


def _read_table_options(request: Request) -> dict[str, Any]:
    given = {name: request.query_params.getlist(name) for name in _TABLE_PARAMETERS}
    if any(given.values()) and request.content_type.partition(";")[0].strip() not in TABLE_READERS:
        raise InvalidParameter(
            "Send date_format and time_zone only with CSV or a workbook. The dates of JSON are in RFC 3339."
        )
    options: dict[str, Any] = {}
    try:
        if given["date_format"]:
            [date_format] = given["date_format"]
            options["date_format"] = DateFormat(date_format)
        if given["time_zone"]:
            [name] = given["time_zone"]
            if (zone := find_zone(name)) is None:
                raise ValueError(name)
            options["zone"] = zone
    except ValueError:
        raise InvalidParameter(
            "Send date_format once, as iso, dmy or mdy, and time_zone once, such as Europe/Berlin."
        ) from None
    return options


def _read_expected_totals(request: Request) -> ExpectedTotals:
    entries = _read_text(request, "expect_entries", _COUNT, "a number of entries such as 1000")
    hours = _read_text(request, "expect_hours", _HOURS, "a sum of hours such as 7512.25")
    return ExpectedTotals(
        entries=None if entries is None else int(entries), hours=None if hours is None else Decimal(hours)
    )


def _prefers_minimal(header: str) -> bool:
    """True if the first `return` preference is `minimal`; the others do not count (RFC 7240, section 2)."""
    for preference in parse_http_list(header):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "return":
            return value.strip().lower() in {"minimal", '"minimal"'}
    return False


def _read_boolean(request: Request, name: str) -> bool:
    values = request.query_params.getlist(name, ["false"])
    if len(values) != 1 or values[0] not in _BOOLEANS:
        raise InvalidParameter(f"Send {name} once, with the value true or false.")
    return _BOOLEANS[values[0]]


def _read_text(request: Request, name: str, form: re.Pattern[str], expected: str) -> str | None:
    values = request.query_params.getlist(name)
    if not values:
        return None
    if len(values) != 1 or not form.fullmatch(values[0]):
        raise InvalidParameter(f"Send {name} once, with {expected}.")
    return str(values[0])


def _read_reason(request: Request) -> str | None:
    values = request.query_params.getlist("reason")
    if not values:
        return None
    try:
        [text] = values
        return str(REASON.run_validation(text))
    except (ValueError, ValidationError):
        raise InvalidParameter(
            "Send reason once, with 1 to 200 characters, none of them a control character."
        ) from None


def read_idempotency_key(request: Request) -> str | None:
    """The key, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header, section 2.1).

    Raises InvalidIdempotencyKey.
    """
    value = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if value is None:
        return None
    quoted = _QUOTED.fullmatch(value)
    key = quoted[1] if quoted else value
    if not ENTRY_ID.fullmatch(key):
        raise InvalidIdempotencyKey(f"Send {ENTRY_ID_CHARACTERS} in Idempotency-Key, bare or in quotes.")
    return key


def apply_idempotency_key(members: dict[str, Any], key: str | None) -> dict[str, Any]:
    """The entry's members with the key as `entry_id`. Raises InvalidIdempotencyKey if they differ."""
    if key is None:
        return members
    if members.get("entry_id") not in (None, key):
        raise InvalidIdempotencyKey("Idempotency-Key and entry_id differ. Send only one of them.")
    return {**members, "entry_id": key}
