"""What the API answers where nothing is wrong with the request, as JSON Schema 2020-12."""

from timesheets.bodies import MAX_ENTRIES
from timesheets.openapi.schemas import (
    ENTRY,
    ENTRY_ID_TEXT,
    MOMENT,
    TIMESHEET_ID,
    Schema,
    describe_object,
    refer_to,
)

_ANSWERED_MOMENT = {
    "type": "string",
    "format": "date-time",
    "pattern": r"Z$",
    "description": "In UTC; the fraction absent, of 3 or of 6 digits.",
}
_ANSWERED = {
    "user_id": {"type": "string"},
    "date": _ANSWERED_MOMENT,
    "project": {"type": "string"},
    "hours": {"type": "number", "exclusiveMinimum": 0, "maximum": 24},
    "entry_id": ENTRY_ID_TEXT,
}
_HAS_ENTRY_ID = frozenset({"entry_id"})
_NOT_STORED = {"const": True, "description": "Nothing was stored."}
_MESSAGE = {"type": "string", "description": "The same for people."}

STORED_ENTRY = describe_object(
    "The entry that is stored.",
    {"id": TIMESHEET_ID, **_ANSWERED, "message": _MESSAGE},
    optional=_HAS_ENTRY_ID,
)
CHECKED_ENTRY = describe_object(
    "The entry that would have been stored.",
    {**_ANSWERED, "dry_run": _NOT_STORED},
    optional=_HAS_ENTRY_ID,
)
LISTED_ENTRY = describe_object(
    "An entry, and when the API received it.",
    {"id": TIMESHEET_ID, **_ANSWERED, "received_at": _ANSWERED_MOMENT},
    optional=_HAS_ENTRY_ID,
)
PAGE = describe_object(
    "Some of the entries, in order of `id`.",
    {
        "results": {"type": "array", "items": refer_to("ListedEntry")},
        "next": {
            "type": ["string", "null"],
            "format": "uri",
            "description": "The next page's address. A page with few results, or none, may still have one.",
        },
    },
)

ERRORS = {
    "type": "object",
    "description": "All that is wrong, by member; `non_field_errors` is about the entry as a whole.",
    "minProperties": 1,
    "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "string"}},
}


def _describe_verdict(status: int, description: str, **properties: Schema) -> Schema:
    index = {"type": "integer", "minimum": 0, "description": "The entry's place in what was sent, from 0."}
    members = {"index": index, "status": {"const": status}, **properties}
    return describe_object(description, members, optional=frozenset({"id"}))


VERDICT = {
    "description": "What became of one of many entries. It has an `id` where one is stored.",
    "oneOf": [
        _describe_verdict(201, "Created.", id=TIMESHEET_ID),
        _describe_verdict(200, "It was there already, with the same content.", id=TIMESHEET_ID),
        _describe_verdict(409, "Its `entry_id` stands for other content, which stays.", id=TIMESHEET_ID),
        _describe_verdict(422, "It is not valid.", errors=refer_to("Errors")),
        _describe_verdict(424, "Held back, since another entry was refused and `atomic` was asked for."),
    ],
}


def _describe_count(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": MAX_ENTRIES, "description": description}


_COUNTS_AND_VERDICTS = {
    "received": _describe_count("How many entries were sent."),
    "created": _describe_count("How many were stored."),
    "existing": _describe_count("How many were there already."),
    "rejected": _describe_count("How many were not stored: 409, 422 or 424."),
    "entries": {
        "type": "array",
        "description": "Each entry's verdict, in order; with `return=minimal`, those of rejected ones only.",
        "maxItems": MAX_ENTRIES,
        "items": refer_to("Verdict"),
    },
}
REPORT = describe_object("A verdict for each of many entries.", _COUNTS_AND_VERDICTS)
DRY_REPORT = describe_object(
    "A verdict for each of many entries, of which none was stored.",
    {**_COUNTS_AND_VERDICTS, "dry_run": _NOT_STORED},
)

RESOURCE_METADATA = describe_object(
    "What a client must know to get an access token (RFC 9728 section 2).",
    {
        "resource": {"type": "string", "format": "uri"},
        "authorization_servers": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "uri"},
        },
        "scopes_supported": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "bearer_methods_supported": {"const": ["header"]},
    },
)

SCHEMAS = {
    "Entry": ENTRY,
    "Moment": MOMENT,
    "StoredEntry": STORED_ENTRY,
    "CheckedEntry": CHECKED_ENTRY,
    "ListedEntry": LISTED_ENTRY,
    "Page": PAGE,
    "Errors": ERRORS,
    "Verdict": VERDICT,
    "Report": REPORT,
    "DryReport": DRY_REPORT,
    "ResourceMetadata": RESOURCE_METADATA,
}
