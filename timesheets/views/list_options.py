"""Read the filters and the page of a list from its query string, and link to the next page."""

import base64
import copy
import dataclasses
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_to_bytes, urlencode

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets import conf
from timesheets.exceptions import InvalidParameter
from timesheets.fields import TimestampField
from timesheets.renderers import PageResponse
from timesheets.serializers import EntrySerializer, IdentifierField
from timesheets.storage.queries import TimesheetQuery
from timesheets.storage.receipts import ReceiptQuery
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import KINDS, LineQuery
from timesheets.storage.scans import PageQuery
from timesheets.views.reading import read_reach, reads_all

Query = TypeVar("Query", TimesheetQuery, ReceiptQuery, PageQuery, LineQuery)
# As they were sent. A parameter that may be repeated has a list.
Parameters = Mapping[str, str | Sequence[str]]

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
# Of a parameter that may be repeated. With more, a page would be slower and its address longer.
MAX_VALUES = 50
# Of a list that is shown as a page. With more, the page takes long to load and to read.
PEOPLES_PAGE_SIZE = 50

_PAGE_SIZE = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_ID = re.compile(r"\d{1,19}", re.ASCII)
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


class IdField(serializers.IntegerField):
    default_error_messages = {"invalid": "Send an id, such as 17."}
    pattern, highest = _ID, _MAX_ID

    def to_internal_value(self, data: Any) -> int:
        if not self.pattern.fullmatch(data) or int(data) > self.highest:
            self.fail("invalid")
        return int(data)


class PageSizeField(IdField):
    default_error_messages = {"invalid": f"Send a number from 1 to {MAX_PAGE_SIZE}."}
    pattern, highest = _PAGE_SIZE, MAX_PAGE_SIZE


class FlagField(serializers.BooleanField):
    default_error_messages = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if data not in {"true", "false"}:
            self.fail("invalid")
        return bool(data == "true")


class OnlyValueField(serializers.ChoiceField):
    """A parameter with one value, because without it the response stays as it was."""

    def __init__(self, value: str) -> None:
        super().__init__([value], error_messages={"invalid_choice": f"Send {value}, or leave it out."})


def find_member(name: str) -> serializers.Field[Any, Any, Any, Any]:
    """The field of an entry whose rules a parameter follows."""
    # A copy is no other serializer's field.
    return copy.deepcopy(EntrySerializer().fields[name])


class AnyOfField(serializers.ListField):
    """A parameter that may be repeated."""

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(
            child=child,
            max_length=MAX_VALUES,
            error_messages={"max_length": "Send at most {max_length} values."},
            **options,
        )

    def run_child_validation(self, data: Any) -> list[Any]:
        """Raise the errors of the first invalid value, as if it were the only value."""
        return [self.child.run_validation(value) for value in data]


class CursorField(serializers.CharField):
    """The first id of a page, and whether the newest come first.

    It has a checksum, because a damaged cursor must not skip entries.
    """

    default_error_messages = {"damaged": "Send the cursor unchanged from the URL of a next page."}

    def to_internal_value(self, data: Any) -> Any:
        if not _CURSOR.fullmatch(data):
            self.fail("damaged")
        position, _ = struct.unpack(">QI", base64.urlsafe_b64decode(data))
        newest_first, row_id = bool(position >> 63), position & _MAX_ID
        if write_cursor(row_id, newest_first=newest_first) != data:
            self.fail("damaged")
        return row_id, newest_first


def write_cursor(row_id: int, *, newest_first: bool) -> str:
    # An id has 63 bits. The highest bit is the order.
    position = struct.pack(">Q", newest_first << 63 | row_id)
    return base64.urlsafe_b64encode(position + struct.pack(">I", zlib.crc32(position))).decode()


class ClientField(AnyOfField):
    """Client ids. Only those who may read every client's rows know this parameter."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=255, trim_whitespace=False)
        super().__init__(child, source="client_ids", **options)


class FilterParameters(serializers.Serializer[Any]):
    """Validates what selects entries. What an entry also has follows the rules of an entry."""

    user_id = AnyOfField(find_member("user_id"), source="user_ids")
    project = AnyOfField(find_member("project"), source="projects")
    client = ClientField()
    entry_id = IdentifierField()
    date_from = QueryTimestampField()
    date_to = QueryTimestampField()


class ListParameters(FilterParameters):
    """The order is that of the parameters in the address of a next page."""

    received_since = QueryTimestampField()
    order = OnlyValueField("newest")
    page_size = PageSizeField()
    cursor = CursorField()
    current = FlagField(source="is_current")
    as_of = IdField()
    upload = IdField(source="upload_id")
    # DRF moves declared fields out of the class, so this one does not hide the property.
    fields = OnlyValueField("all")  # type: ignore[assignment]


class TimesheetParameters(serializers.Serializer[Any]):
    fields = OnlyValueField("all")  # type: ignore[assignment]


class ReceiptParameters(serializers.Serializer[Any]):
    client = ClientField()
    label = IdentifierField()  # type: ignore[assignment]
    received_since = QueryTimestampField()
    rejected = FlagField(source="has_rejected")
    order = OnlyValueField("newest")
    page_size = PageSizeField()
    cursor = CursorField()


class PageParameters(serializers.Serializer[Any]):
    page_size = PageSizeField()
    cursor = CursorField()


class CorrectionParameters(FilterParameters):
    """The dates are when the corrections were received."""

    entry_id = None  # type: ignore[assignment]
    order = OnlyValueField("newest")
    page_size = PageSizeField()
    cursor = CursorField()


class RunLineParameters(PageParameters):
    client = ClientField()


class RunLinePageParameters(RunLineParameters):
    """What only a page knows, too. The sources are look-ups."""

    user_id = AnyOfField(find_member("user_id"), source="look_ups.user_id__in")
    project = AnyOfField(find_member("project"), source="look_ups.project__in")
    kind = serializers.ChoiceField(KINDS, source="look_ups.kind")
    paid = FlagField(source="look_ups.held__isnull")
    format = OnlyValueField("csv")


# `partial`: no parameter is required. A serializer keeps no state between calls.
OF_TIMESHEETS = ListParameters(partial=True)
OF_TIMESHEET = TimesheetParameters(partial=True)
OF_CORRECTIONS = CorrectionParameters(partial=True)
OF_RECEIPTS = ReceiptParameters(partial=True)
OF_PAGE = PageParameters(partial=True)
OF_RUN_LINES = RunLineParameters(partial=True)
OF_RUN_LINE_PAGE = RunLinePageParameters(partial=True)


@dataclass(frozen=True, kw_only=True)
class ListOptions(Generic[Query]):
    """The query of the rows in reach, and the parameters that it came from."""

    reach: Reach
    query: Query
    page_size: int
    parameters: Parameters

    def suit_a_page(
        self, length: int = PEOPLES_PAGE_SIZE, *, has_one_order: bool = False
    ) -> "ListOptions[Query]":
        """The same list as people expect it: the newest first, and not too long. A cursor has its order."""
        if "cursor" in self.parameters:
            return self
        order = {} if has_one_order else {"order": "newest"}
        parameters = {**order, "page_size": str(length), **self.parameters}
        query = dataclasses.replace(self.query, newest_first=not has_one_order)
        page_size = self.page_size if "page_size" in self.parameters else length
        return dataclasses.replace(self, query=query, page_size=page_size, parameters=parameters)


def read_options(
    request: Request, query: type[Query], serializer: serializers.Serializer[Any]
) -> ListOptions[Query]:
    """The filters and the page of a list. Raises InvalidParameter with all problems at once."""
    values, parameters = read_parameters(request, serializer)
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
    return ListOptions(
        reach=read_reach(request, values.pop("client_ids", ())),
        query=query(newest_first=newest_first, from_id=from_id, **values),
        page_size=page_size,
        parameters=parameters,
    )


def refuse_parameters(request: Request) -> None:
    if request.query_params:
        raise InvalidParameter("This resource takes no parameters.")


def respond_with_page(
    path: str,
    options: ListOptions[Any],
    results: Sequence[Any],
    next_id: int | None,
    **shown: Any,
) -> Response:
    """A page of the list at `path`, and the address of the page that begins at `next_id`."""

    def write_path(**more: str) -> str:
        return f"{path}?{urlencode({**options.parameters, **more}, doseq=True)}"

    url = None
    if next_id is not None:
        cursor = write_cursor(next_id, newest_first=options.query.newest_first)
        url = conf.public_url(write_path(cursor=cursor))
    # A program gets the same as a page only if it asks for the order of a page.
    response = PageResponse({"results": results, "next": url}, asked=write_path, **shown)
    if url:
        # CSV has no other place for the next page (RFC 8288).
        response["Link"] = f'<{url}>; rel="next"'
    return response


def read_parameters(
    request: Request, serializer: serializers.Serializer[Any]
) -> tuple[dict[str, Any], Parameters]:
    """The values of the parameters, and the parameters as they were sent.

    Raises InvalidParameter with all problems at once.
    """
    _require_utf_8(request)
    sent = request.query_params
    known = {
        name: field
        for name, field in serializer.fields.items()
        if reads_all(request) or not isinstance(field, ClientField)
    }
    parameters: dict[str, str | list[str]] = {
        name: sent.getlist(name) if isinstance(field, AnyOfField) else sent[name]
        for name, field in known.items()
        if name in sent
    }
    problems = _find_wrong_names(request, known)
    values: dict[str, Any] = {}
    try:
        values = dict(serializer.run_validation(parameters))
    except serializers.ValidationError as error:
        problems += [f"{name}: {' '.join(words)}" for name, words in dict(error.detail).items()]  # type: ignore[arg-type]
    if problems:
        raise InvalidParameter(" ".join(problems))
    return values, parameters


def _require_utf_8(request: Request) -> None:
    """Django replaces invalid UTF-8, so the query would silently find nothing."""
    try:
        unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise InvalidParameter("Encode the parameters in UTF-8.") from None


def _find_wrong_names(
    request: Request, known: Mapping[str, serializers.Field[Any, Any, Any, Any]]
) -> list[str]:
    """The problems with names. A response never repeats an unknown name."""
    names = tuple(known)
    unknown = request.query_params.keys() - set(names)
    once = [name for name, field in known.items() if not isinstance(field, AnyOfField)]
    repeated = [name for name in once if len(request.query_params.getlist(name)) > 1]
    problems = [f"{name}: Send it once." for name in repeated]
    only = "parameter is" if len(names) == 1 else "parameters are"
    return [f"The only {only} {', '.join(names)}.", *problems] if unknown else problems
