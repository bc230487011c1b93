"""The parameters of requests and the headers of answers, as components of OpenAPI 3.1."""

from timesheets.list_options import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from timesheets.openapi.schemas import (
    ENTRY_ID_PATTERN,
    ENTRY_ID_TEXT,
    TIMESHEET_ID,
    Schema,
    describe_name,
    refer_to,
)


def _describe(name: str, place: str, description: str, schema: Schema) -> Schema:
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, "description": description, **required, "schema": schema}


_FLAG = {"type": "boolean", "default": False}

_ALL = [
    _describe(
        "atomic",
        "query",
        "Store all of the entries or none: one that is refused holds back the others.",
        _FLAG,
    ),
    _describe("dry_run", "query", "Judge everything, store nothing.", _FLAG),
    _describe(
        "Idempotency-Key",
        "header",
        "For one entry the same as `entry_id` in its body, bare or in quotes; beside one, it must be equal.",
        {"type": "string", "pattern": f'^(?:{ENTRY_ID_PATTERN}|"{ENTRY_ID_PATTERN}")$'},
    ),
    _describe(
        "Prefer",
        "header",
        "`return=minimal` leaves out the verdicts on entries that were not rejected (RFC 7240).",
        {"type": "string"},
    ),
    _describe(
        "X-Request-ID",
        "header",
        (
            "A name for this request in the API's log: 1 to 64 of the characters A-Z a-z 0-9 . _ -. "
            "Any other is not heeded, and the API makes one of its own."
        ),
        {"type": "string"},
    ),
    _describe("user_id", "query", "Of this employee only.", describe_name("user_id", "The employee")),
    _describe("project", "query", "On this project only.", describe_name("project", "The project")),
    _describe("date_from", "query", "From this moment on, by the entries' `date`.", refer_to("Moment")),
    _describe("date_to", "query", "Before this moment, by the entries' `date`.", refer_to("Moment")),
    _describe("received_since", "query", "Received at this moment or later.", refer_to("Moment")),
    _describe("entry_id", "query", "The one that was sent under this `entry_id`.", ENTRY_ID_TEXT),
    _describe(
        "page_size",
        "query",
        "The most results on a page.",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE},
    ),
    _describe(
        "cursor",
        "query",
        "Where the page begins: as it stands in the `next` of the page before, whose other parameters stay.",
        # Its format has a checksum, which no pattern can tell.
        {"type": "string", "format": "timesheets-cursor", "pattern": "^[A-Za-z0-9_-]{16}$"},
    ),
    _describe("timesheet_id", "path", "The `id` that the upload answered.", TIMESHEET_ID),
]
PARAMETERS: Schema = {parameter["name"]: parameter for parameter in _ALL}

HEADERS: Schema = {
    "X-Request-ID": {
        "description": "What the API's log has beside this request.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "WWW-Authenticate": {
        "description": "A challenge (RFC 6750); it leads to metadata that say where tokens come from.",
        "schema": {"type": "string", "pattern": "^Bearer "},
    },
    "Retry-After": {
        "description": "Send the same again after as many seconds.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Allow": {"description": "The methods there are.", "required": True, "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "The entry was there already, and is answered as when it was stored.",
        "schema": {"const": "true"},
    },
    "Preference-Applied": {
        "description": "`Prefer: return=minimal` was heeded.",
        "schema": {"const": "return=minimal"},
    },
    "Link": {
        "description": "Where the next page is (RFC 8288), if there is one.",
        "schema": {"type": "string", "pattern": '^<.+>; rel="next"$'},
    },
}
