"""Read the options of an upload from its query string and headers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from timesheets_files.dates import DateFormat, find_zone
from timesheets_files.limits import ENTRY_ID, ENTRY_ID_CHARACTERS

_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_HOURS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


def _read_as(form: re.Pattern[str], convert: Callable[[str], Any], text: str) -> Any:
    if not form.fullmatch(text):
        raise ValueError(text)
    return convert(text)


def _read_zone(name: str) -> tzinfo:
    if (zone := find_zone(name)) is None:
        raise ValueError(name)
    return zone


_FLAG = ({"true": True, "false": False}.__getitem__, "the value true or false")
# By parameter: how its value is read, and what to send if that fails.
_PARAMETERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "atomic": _FLAG,
    "dry_run": _FLAG,
    "label": (partial(_read_as, ENTRY_ID, str), ENTRY_ID_CHARACTERS),
    "expect_entries": (partial(_read_as, _COUNT, int), "a number of entries such as 1000"),
    "expect_hours": (partial(_read_as, _HOURS, Decimal), "a sum of hours such as 7512.25"),
    "correct": _FLAG,
    "date_format": (DateFormat, "iso, dmy or mdy"),
    "time_zone": (_read_zone, "a name such as Europe/Berlin"),
    "reason": (REASON.run_validation, "1 to 200 characters, none of them a control character"),
}


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """`atomic`: store all or none; `dry_run`: store nothing; `is_minimal`: list only rejected entries.

    `label` names the file that the upload is a part of. `expect_entries` and `expect_hours` are totals that
    the caller announced. `correct`: each entry states what is current, and `reason` is why, unless an entry
    says why itself. `date_format` and `time_zone` are for the dates of a table.
    """

    atomic: bool = False
    dry_run: bool = False
    is_minimal: bool = False
    label: str | None = None
    expect_entries: int | None = None
    expect_hours: Decimal | None = None
    correct: bool = False
    reason: str | None = None
    date_format: DateFormat = DateFormat.ISO
    time_zone: tzinfo | None = None

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
    given = dict(request.query_params.lists())
    options = {name: _read_parameter(name, texts) for name, texts in given.items() if name in _PARAMETERS}
    known = _PARAMETERS.keys() if options.get("correct") else _PARAMETERS.keys() - {"reason"}
    if given.keys() - known:
        *names, _ = _PARAMETERS
        raise InvalidParameter(f"The only parameters are {', '.join(names)}, and reason with correct=true.")
    is_table = request.content_type.partition(";")[0].strip() in TABLE_READERS
    if given.keys() & {"date_format", "time_zone"} and not is_table:
        raise InvalidParameter(
            "Send date_format and time_zone only with CSV or a workbook. The dates of JSON are in RFC 3339."
        )
    return UploadOptions(is_minimal=_prefers_minimal(preferences), **options)


def _read_parameter(name: str, texts: list[str]) -> Any:
    read, expected = _PARAMETERS[name]
    try:
        [text] = texts
        return read(text)
    except (KeyError, ValueError, ValidationError):
        raise InvalidParameter(f"Send {name} once, with {expected}.") from None


def _prefers_minimal(header: str) -> bool:
    """True if the first `return` preference is `minimal`; the others do not count (RFC 7240, section 2)."""
    for preference in parse_http_list(header):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "return":
            return value.strip().lower() in {"minimal", '"minimal"'}
    return False


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
