"""Requests and answers that the description shows. The tests send each request, and get each answer."""

from typing import Any

ONE_ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}
MANY_ENTRIES = [
    {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 7.5, "entry_id": "week-19:1"},
    {"user_id": "008", "date": "2017-05-10", "project": "StoreZero", "hours": 26, "entry_id": "week-19:2"},
]
NDJSON_LINES = (
    '{"user_id": "007", "date": "2017-05-11", "project": "StoreZero", "hours": 7.5, "entry_id": "19:3"}\n'
    '{"user_id": "008", "date": "2017-05-11", "project": "StoreZero", "hours": "8.25"}\n'
)
CSV_ROWS = (
    "user_id,date,project,hours,entry_id\n"
    "007,2017-05-12,StoreZero,7.5,week-19:4\n"
    '008,2017-05-12T09:00:00+02:00,"Store, Zero",8,\n'
)


def _show(summary: str, value: Any) -> dict[str, Any]:
    return {"summary": summary, "value": value}


# Each ends in the status that it gets the first time it is sent.
JSON_EXAMPLES = {
    "one": _show("One entry: 201", ONE_ENTRY),
    "oneWithId": _show("One entry, stored once: 201", {**ONE_ENTRY, "entry_id": "week-19:0"}),
    "many": _show("Many entries, one of them wrong: 207", MANY_ENTRIES),
    "wrong": _show(
        "An entry with much that is wrong: 422",
        {"user_id": 7, "date": "10.05.2017", "hours": 25, "comment": "late"},
    ),
}
NDJSON_EXAMPLES = {"lines": _show("A JSON text in each line: 207", NDJSON_LINES)}
CSV_EXAMPLES = {"rows": _show("A row for each entry below a header: 207", CSV_ROWS)}

_ERRORS = {"hours": ["Ensure this value is less than or equal to 24."]}
_REFUSED = {"index": 1, "status": 422, "errors": _ERRORS}
_REPORT = {
    "received": 2,
    "created": 1,
    "existing": 0,
    "rejected": 1,
    "entries": [{"index": 0, "status": 201, "id": 15}, _REFUSED],
}

CREATED_EXAMPLES = {
    "created": _show("Stored", {"id": 14, **ONE_ENTRY, "message": "Created timesheet 14 for employee 007"})
}
OK_EXAMPLES = {
    "existing": _show(
        "It was there already",
        {
            "id": 14,
            **ONE_ENTRY,
            "entry_id": "week-19:0",
            "message": "Created timesheet 14 for employee 007",
        },
    ),
    "dryRun": _show("One entry, not stored", {**ONE_ENTRY, "dry_run": True}),
    "dryRunOfMany": _show(
        "Many entries, none stored",
        {**_REPORT, "entries": [{"index": 0, "status": 201}, _REFUSED], "dry_run": True},
    ),
}
REPORT_EXAMPLES = {
    "all": _show("A verdict for each", _REPORT),
    "minimal": _show("Prefer: return=minimal", {**_REPORT, "entries": [_REFUSED]}),
}
BATCH_REFUSED = {
    **_REPORT,
    "created": 0,
    "rejected": 2,
    "entries": [{"index": 0, "status": 424}, _REFUSED],
}

_LISTED = {"id": 14, **ONE_ENTRY, "entry_id": "week-19:0", "received_at": "2017-05-12T06:00:00.123456Z"}
LISTED_EXAMPLES = {"one": _show("One entry", _LISTED)}
PAGE_EXAMPLES = {
    "last": _show("The last page", {"results": [_LISTED], "next": None}),
    "none": _show("There is nothing", {"results": [], "next": None}),
}
_CSV_HEADER = "id,user_id,date,project,hours,entry_id,received_at\r\n"
LISTED_CSV_EXAMPLES = {
    "one": _show(
        "A header and a row",
        f"{_CSV_HEADER}14,007,2017-05-10T17:40:20.095Z,StoreZero,5,week-19:0,2017-05-12T06:00:00.123456Z\r\n",
    )
}
