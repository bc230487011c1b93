"""What an entry looks like, as JSON Schema 2020-12.

The API judges by its serializer and fields; the tests hold both together.
"""

from typing import Any, cast

from rest_framework.serializers import CharField

from timesheets.serializers import ENTRY_ID, EntrySerializer

Schema = dict[str, Any]

ENTRY_ID_PATTERN = ENTRY_ID.pattern
MAX_TIMESHEET_ID = 2**63 - 1

_FIELDS = EntrySerializer().fields
# White space around a text is trimmed; within it, no control character is allowed.
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_DAY = r"(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
# Above 0, at most 24, two decimals.
_HOURS = r"^(?:(?:0?[1-9]|1[0-9]|2[0-3])(?:\.[0-9]{1,2}0*)?|00?\.(?:0[1-9]|[1-9][0-9]?)0*|24(?:\.0+)?)$"


def refer_to(name: str, kind: str = "schemas") -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def describe_object(description: str, properties: Schema, optional: frozenset[str] = frozenset()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": description, "required": required, "properties": properties}


def describe_name(field: str, description: str) -> Schema:
    """A text that is trimmed, as long as the serializer's field lets it be."""
    length = cast("int", cast("CharField", _FIELDS[field]).max_length)
    pattern = rf"^\s*[^\s{_CONTROL}](?:[^{_CONTROL}]{{0,{length - 2}}}[^\s{_CONTROL}])?\s*$"
    return {
        "type": "string",
        "pattern": pattern,
        "description": f"{description}, 1 to {length} characters, trimmed.",
    }


TIMESHEET_ID = {
    "type": "integer",
    "format": "int64",
    "minimum": 1,
    "maximum": MAX_TIMESHEET_ID,
    "description": "The number of the stored timesheet.",
}
ENTRY_ID_TEXT = {
    "type": "string",
    "pattern": f"^{ENTRY_ID_PATTERN}$",
    "description": "The client's own name of the entry. What is sent again under it is stored once.",
}
MOMENT = {
    "description": (
        "A date-time of RFC 3339 with seconds and zone, and at most 6 digits of a fraction; or a date, which "
        "means its midnight in the API's zone. Years 1900 to 2999, no leap seconds."
    ),
    "anyOf": [
        {
            "type": "string",
            "format": "date-time",
            "pattern": rf"^{_DAY}[Tt]{_TIME}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:[Zz]|[+-]{_TIME})$",
        },
        {"type": "string", "format": "date", "pattern": f"^{_DAY}$"},
    ],
}
ENTRY = {
    **describe_object(
        "What an employee worked on a project.",
        {
            "user_id": describe_name("user_id", "The employee"),
            "date": refer_to("Moment"),
            "project": describe_name("project", "The project"),
            "hours": {
                "description": "Above 0 and at most 24, with at most two decimals.",
                "anyOf": [
                    {"type": "number", "exclusiveMinimum": 0, "maximum": 24, "multipleOf": 0.01},
                    {"type": "string", "pattern": _HOURS},
                ],
            },
            "entry_id": {**ENTRY_ID_TEXT, "type": ["string", "null"]},
        },
        optional=frozenset({"entry_id"}),
    ),
    # A member that is misspelt would otherwise be lost without a word.
    "additionalProperties": False,
}
