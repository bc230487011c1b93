"""Read the parameters of a query string: their fields, their values, and what is wrong with them."""

import copy
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request

from timesheets.exceptions import InvalidParameter
from timesheets.fields import TimestampField
from timesheets.serializers import EntrySerializer
from timesheets.views.reading import reads_all

Field = serializers.Field[Any, Any, Any, Any]
Fields = Mapping[str, Field]
# As they were sent. A parameter that may be repeated has a list.
Parameters = Mapping[str, str | Sequence[str]]

MAX_PAGE_SIZE = 1000
# Of a parameter that may be repeated. With more, a page would be slower and its address longer.
MAX_VALUES = 50

_ZONE_WITHOUT_PLUS = re.compile(r"\S+ \d\d:\d\d", re.ASCII)
MAX_ID = 2**63 - 1


class QueryTimestampField(TimestampField):
    """A timestamp in a query string, where an unencoded `+` means a space."""

    default_error_messages = {"plus": "Encode the + of a time zone as %2B in a query string."}

    def to_internal_value(self, data: object) -> Any:
        if isinstance(data, str) and _ZONE_WITHOUT_PLUS.fullmatch(data):
            self.fail("plus")
        return super().to_internal_value(data)


class IdField(serializers.IntegerField):
    default_error_messages = {"invalid": "Send an id, such as 17."}
    pattern, highest = re.compile(r"\d{1,19}", re.ASCII), MAX_ID

    def to_internal_value(self, data: Any) -> int:
        if not self.pattern.fullmatch(data) or int(data) > self.highest:
            self.fail("invalid")
        return int(data)


class PageSizeField(IdField):
    default_error_messages = {"invalid": f"Send a number from 1 to {MAX_PAGE_SIZE}."}
    pattern, highest = re.compile(r"[1-9]\d{0,3}", re.ASCII), MAX_PAGE_SIZE


class FlagField(serializers.BooleanField):
    default_error_messages = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if data not in {"true", "false"}:
            self.fail("invalid")
        return bool(data == "true")


def allow_only(value: str) -> Field:
    """A parameter with one value, because without it the response stays as it was."""
    return serializers.ChoiceField(
        [value], error_messages={"invalid_choice": f"Send {value}, or leave it out."}
    )


def find_member(name: str) -> Field:
    """The field of an entry whose rules a parameter follows."""
    # A copy is no other serializer's field.
    return copy.deepcopy(EntrySerializer().fields[name])


class AnyOfField(serializers.ListField):
    """A parameter that may be repeated."""

    def __init__(self, child: Field, **options: Any) -> None:
        super().__init__(
            child=child,
            max_length=MAX_VALUES,
            error_messages={"max_length": "Send at most {max_length} values."},
            **options,
        )

    def run_child_validation(self, data: Any) -> list[Any]:
        """Raise the errors of the first invalid value, as if it were the only value."""
        return [self.child.run_validation(value) for value in data]


class ClientField(AnyOfField):
    """Client ids. Only those who may read every client's rows know this parameter."""

    def __init__(self) -> None:
        super().__init__(serializers.CharField(max_length=255, trim_whitespace=False), source="client_ids")


# Fields keep no state.
NAMES: Fields = {
    "user_id": AnyOfField(find_member("user_id"), source="user_ids"),
    "project": AnyOfField(find_member("project"), source="projects"),
    "client": ClientField(),
}
DATES: Fields = {"date_from": QueryTimestampField(), "date_to": QueryTimestampField()}


def refuse_parameters(request: Request) -> None:
    if request.query_params:
        raise InvalidParameter("This resource takes no parameters.")


def read_parameters(
    request: Request, fields: Fields, required: Container[str] = ()
) -> tuple[dict[str, Any], Parameters]:
    """The values of the parameters by the sources of their fields, and the parameters as they were sent.

    Raises InvalidParameter with all problems at once.
    """
    _require_utf_8(request)
    sent = request.query_params
    sees_clients = reads_all(request)
    known = {name: each for name, each in fields.items() if sees_clients or not isinstance(each, ClientField)}
    parameters: dict[str, str | list[str]] = {
        name: sent.getlist(name) if isinstance(field, AnyOfField) else sent[name]
        for name, field in known.items()
        if name in sent
    }
    problems = _find_wrong_names(request, known)
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in sent or name in required:
            try:
                values[field.source or name] = field.run_validation(parameters.get(name, empty))
            except serializers.ValidationError as error:
                problems.append(f"{name}: {' '.join(map(str, error.detail))}")
    if problems:
        raise InvalidParameter(" ".join(problems))
    return values, parameters


def _require_utf_8(request: Request) -> None:
    """Django replaces invalid UTF-8, so the query would silently find nothing."""
    try:
        unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise InvalidParameter("Encode the parameters in UTF-8.") from None


def _find_wrong_names(request: Request, known: Fields) -> list[str]:
    """The problems with names. A response never repeats an unknown name."""
    sent = request.query_params
    once = [name for name, field in known.items() if not isinstance(field, AnyOfField)]
    problems = [f"{name}: Send it once." for name in once if len(sent.getlist(name)) > 1]
    if sent.keys() <= known.keys():
        return problems
    only = "parameter is" if len(known) == 1 else "parameters are"
    return [f"The only {only} {', '.join(known)}.", *problems]
