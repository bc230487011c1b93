"""Read the filters and the page of a list from its query string."""

import base64
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from rest_framework import serializers
from rest_framework.request import Request

from timesheets.exceptions import InvalidParameter
from timesheets.fields import TimestampField
from timesheets.serializers import EntrySerializer
from timesheets.storage.queries import TimesheetQuery

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

_PAGE_SIZE = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_CURSOR = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
_ZONE_WITHOUT_PLUS = re.compile(r"\S+ \d\d:\d\d", re.ASCII)
_MAX_ID = 2**63 - 1


class QueryTimestampField(TimestampField):
    """A timestamp in a query string, where an unencoded `+` means a space."""

    default_error_messages = {"plus": "Encode the + of a time zone as %2B in a query string."}

    def to_internal_value(self, data: object) -> Any:
        if isinstance(data, str) and _ZONE_WITHOUT_PLUS.fullmatch(data):
            self.fail("plus")
        return super().to_internal_value(data)


class PageSizeField(serializers.IntegerField):
    default_error_messages = {"invalid": f"Send a number from 1 to {MAX_PAGE_SIZE}."}

    def to_internal_value(self, data: Any) -> int:
        if not _PAGE_SIZE.fullmatch(data) or int(data) > MAX_PAGE_SIZE:
            self.fail("invalid")
        return int(data)


class CursorField(serializers.CharField):
    """The first id of a page, with a checksum, because a damaged cursor must not skip entries."""

    default_error_messages = {"damaged": "Send the cursor unchanged from the URL of a next page."}

    def to_internal_value(self, data: Any) -> Any:
        if not _CURSOR.fullmatch(data):
            self.fail("damaged")
        timesheet_id, _ = struct.unpack(">QI", base64.urlsafe_b64decode(data))
        if timesheet_id > _MAX_ID or write_cursor(timesheet_id) != data:
            self.fail("damaged")
        return timesheet_id


def write_cursor(timesheet_id: int) -> str:
    position = struct.pack(">Q", timesheet_id)
    return base64.urlsafe_b64encode(position + struct.pack(">I", zlib.crc32(position))).decode()


class ListParameters(EntrySerializer):
    """Validates the parameters. Those that an entry also has follow the rules of an entry."""

    date = None  # type: ignore[assignment]
    hours = None  # type: ignore[assignment]
    date_from = QueryTimestampField()
    date_to = QueryTimestampField()
    received_since = QueryTimestampField()
    page_size = PageSizeField()
    cursor = CursorField()


# `partial`: no parameter is required. The serializer keeps no state between calls.
_PARAMETERS = ListParameters(partial=True)
_NAMES = tuple(_PARAMETERS.get_fields())


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """The query, and the parameters that it came from."""

    query: TimesheetQuery
    page_size: int
    parameters: Mapping[str, str]

    def write_query(self, timesheet_id: int) -> str:
        """The query string of the page that begins at this id, with the same filters."""
        return urlencode({**self.parameters, "cursor": write_cursor(timesheet_id)})


def read_list_options(request: Request) -> ListOptions:
    """The filters and the page. Raises InvalidParameter with all problems at once."""
    _require_utf_8(request)
    parameters = {name: request.query_params[name] for name in _NAMES if name in request.query_params}
    problems = _find_wrong_names(request)
    try:
        values = _PARAMETERS.run_validation(parameters)
    except serializers.ValidationError as error:
        problems += [f"{name}: {' '.join(words)}" for name, words in dict(error.detail).items()]  # type: ignore[arg-type]
    if problems:
        raise InvalidParameter(" ".join(problems))
    return ListOptions(
        page_size=values.pop("page_size", DEFAULT_PAGE_SIZE),
        query=TimesheetQuery(from_id=values.pop("cursor", 0), **values),
        parameters=parameters,
    )


def refuse_parameters(request: Request) -> None:
    if request.query_params:
        raise InvalidParameter("This resource takes no parameters.")


def _require_utf_8(request: Request) -> None:
    """Django replaces invalid UTF-8, so the query would silently find nothing."""
    try:
        unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise InvalidParameter("Encode the parameters in UTF-8.") from None


def _find_wrong_names(request: Request) -> list[str]:
    """The problems with names. A response never repeats an unknown name."""
    unknown = request.query_params.keys() - set(_NAMES)
    repeated = [name for name in _NAMES if len(request.query_params.getlist(name)) > 1]
    problems = [f"{name}: Send it once." for name in repeated]
    return [f"The only parameters are {', '.join(_NAMES)}.", *problems] if unknown else problems
