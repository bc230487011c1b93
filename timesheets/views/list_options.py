"""Read the filters and the page of a list, and respond with the page and the address of the next one."""

import base64
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from rest_framework import serializers
from rest_framework.request import Request

from timesheets import conf
from timesheets.exceptions import InvalidParameter
from timesheets.renderers import PageResponse, has_page
from timesheets.serializers import make_identifier_field
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import KINDS
from timesheets.views.parameters import (
    DATES,
    MAX_ID,
    NAMES,
    AnyOfField,
    ClientField,
    Fields,
    FlagField,
    IdField,
    PageSizeField,
    Parameters,
    QueryTimestampField,
    allow_only,
    find_member,
    read_parameters,
)
from timesheets.views.reading import read_reach

DEFAULT_PAGE_SIZE = 100
# Of a list that is shown as a page. With more, the page takes long to load and to read.
PEOPLES_PAGE_SIZE = 50

_CURSOR = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)


class CursorField(serializers.CharField):
    """The first id of a page, and whether the newest come first.

    It has a checksum, because a damaged cursor must not skip entries.
    """

    default_error_messages = {"damaged": "Send the cursor unchanged from the URL of a next page."}

    def to_internal_value(self, data: Any) -> Any:
        if not _CURSOR.fullmatch(data):
            self.fail("damaged")
        position, _ = struct.unpack(">QI", base64.urlsafe_b64decode(data))
        newest_first, row_id = bool(position >> 63), position & MAX_ID
        if write_cursor(row_id, newest_first=newest_first) != data:
            self.fail("damaged")
        return row_id, newest_first


def write_cursor(row_id: int, *, newest_first: bool) -> str:
    # An id has 63 bits. The highest bit is the order.
    position = struct.pack(">Q", newest_first << 63 | row_id)
    return base64.urlsafe_b64encode(position + struct.pack(">I", zlib.crc32(position))).decode()


# The order is that of the parameters in the address of a next page.
OF_PAGE: Fields = {"page_size": PageSizeField(), "cursor": CursorField()}
_OF_ORDERED_PAGE = {"order": allow_only("newest"), **OF_PAGE}
OF_TIMESHEET: Fields = {"fields": allow_only("all")}
OF_TIMESHEETS: Fields = {
    **NAMES,
    "entry_id": make_identifier_field(),
    **DATES,
    "received_since": QueryTimestampField(),
    **_OF_ORDERED_PAGE,
    "current": FlagField(source="is_current"),
    "as_of": IdField(),
    "upload": IdField(source="upload_id"),
    **OF_TIMESHEET,
}
# The dates are when the corrections were received.
OF_CORRECTIONS: Fields = {**NAMES, **DATES, **_OF_ORDERED_PAGE}
OF_RECEIPTS: Fields = {
    "client": ClientField(),
    "label": make_identifier_field(),
    "received_since": QueryTimestampField(),
    "rejected": FlagField(source="has_rejected"),
    **_OF_ORDERED_PAGE,
}
OF_RUN_LINES: Fields = {**OF_PAGE, "client": ClientField()}
# What only a page knows, too. The sources are look-ups.
OF_RUN_LINE_PAGE: Fields = {
    **OF_RUN_LINES,
    "user_id": AnyOfField(find_member("user_id"), source="user_id__in"),
    "project": AnyOfField(find_member("project"), source="project__in"),
    "kind": serializers.ChoiceField(KINDS),
    "paid": FlagField(source="held__isnull"),
    "format": allow_only("csv"),
}


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """The query of the rows in reach, and the `path` and the parameters that it came from."""

    path: str
    parameters: Parameters
    reach: Reach
    query: Any
    page_size: int
    newest_first: bool


def read_options(
    request: Request, query: Callable[..., Any], fields: Fields, length: int | None = None
) -> ListOptions:
    """The filters and the page of a list. Raises InvalidParameter with all problems at once.

    With a `length`, a page for people is as they expect it: the newest first, and not too long.
    """
    values, parameters = read_parameters(request, fields)
    # They choose no rows.
    values.pop("fields", None)
    values.pop("format", None)
    page_size = values.pop("page_size", DEFAULT_PAGE_SIZE)
    newest_first = values.pop("order", None) == "newest"
    from_id, is_of_newest_first = values.pop("cursor", (None, newest_first))
    if is_of_newest_first != newest_first:
        raise InvalidParameter(
            "cursor: It is of a list in the other order. Send the URL of a next page unchanged."
        )
    # A cursor has its order.
    if length and from_id is None and has_page(request):
        newest_first = "order" in fields
        order = {"order": "newest"} if newest_first else {}
        page_size = page_size if "page_size" in parameters else length
        parameters = {**order, "page_size": str(length), **parameters}
    return ListOptions(
        path=request.path_info,
        parameters=parameters,
        reach=read_reach(request, values.pop("client_ids", ())),
        query=query(newest_first=newest_first, from_id=from_id, **values),
        page_size=page_size,
        newest_first=newest_first,
    )


def respond_with_page(
    options: ListOptions, results: Sequence[Any], next_id: int | None, **shown: Any
) -> PageResponse:
    """A page of the list, and the address of the page that begins at `next_id`."""
    url = None
    if next_id is not None:
        cursor = write_cursor(next_id, newest_first=options.newest_first)
        query = urlencode({**options.parameters, "cursor": cursor}, doseq=True)
        url = conf.public_url(f"{options.path}?{query}")
    asked = f"{options.path}?{urlencode(options.parameters, doseq=True)}"
    response = PageResponse({"results": results, "next": url}, asked=asked, reach=options.reach, **shown)
    if url:
        # CSV has no other place for the next page (RFC 8288).
        response["Link"] = f'<{url}>; rel="next"'
    return response
