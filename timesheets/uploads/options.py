"""What an upload's query string and headers ask for beside the body."""

import re
from typing import Any
from urllib.request import parse_http_list

from rest_framework.request import Request

from timesheets.exceptions import InvalidIdempotencyKey, InvalidParameter
from timesheets.serializers import ENTRY_ID
from timesheets.uploads.batches import UploadOptions

_PARAMETERS = ("atomic", "dry_run")
_BOOLEANS = {"true": True, "false": False}
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


def read_options(request: Request) -> UploadOptions:
    """The parameters, each at most once, and the preference `return=minimal` (RFC 7240 section 4.2)."""
    unknown = [name for name in request.query_params if name not in _PARAMETERS]
    if unknown:
        raise InvalidParameter(f"The only parameters here are {' and '.join(_PARAMETERS)}.")
    return UploadOptions(
        atomic=_read_boolean(request, "atomic"),
        dry_run=_read_boolean(request, "dry_run"),
        is_minimal=_prefers_minimal(request.headers.get("Prefer", "")),
    )


def _prefers_minimal(header: str) -> bool:
    """True if the first preference `return` is `minimal`: later ones do not count (RFC 7240 section 2)."""
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


def read_idempotency_key(request: Request) -> str | None:
    """The key, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header section 2.1)."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    quoted = _QUOTED.fullmatch(given)
    key = quoted[1] if quoted else given
    if not ENTRY_ID.fullmatch(key):
        raise InvalidIdempotencyKey(
            "Send 1 to 128 of the characters A-Z a-z 0-9 . _ : - in Idempotency-Key, bare or in quotes."
        )
    return key


def apply_idempotency_key(members: dict[str, Any], key: str | None) -> dict[str, Any]:
    """Let the key serve as the entry's `entry_id`."""
    if key is None:
        return members
    entry_id = members.get("entry_id")
    if entry_id is None:
        return {**members, "entry_id": key}
    if entry_id != key:
        raise InvalidIdempotencyKey("Idempotency-Key and entry_id differ. Send one of them, or equal ones.")
    return members
