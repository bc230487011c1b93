"""What can be asked of the API, and what it answers: an operation of OpenAPI 3.1 for each method."""

from typing import Any

from timesheets.bodies import MAX_BYTES, MAX_ENTRIES, MAX_UNZIPPED_BYTES
from timesheets.openapi import examples
from timesheets.openapi.schemas import Schema, refer_to
from timesheets.renderers import COLUMNS

Operation = dict[str, Any]

MIB = 1024 * 1024


def _refer_to_parameters(*names: str) -> list[Schema]:
    return [refer_to(name, "parameters") for name in (*names, "X-Request-ID")]


def _refer_to_problems(*statuses: int) -> Schema:
    return {str(status): refer_to(str(status), "responses") for status in statuses}


def _answer(description: str, schema: Schema, shown: Schema, *headers: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: refer_to(name, "headers") for name in ("X-Request-ID", *headers)},
        "content": {"application/json": {"schema": schema, "examples": shown}},
    }


def _answer_as_csv_too(answer: dict[str, Any]) -> dict[str, Any]:
    columns = {"type": "string", "description": f"By RFC 4180, with the columns {', '.join(COLUMNS)}."}
    as_csv = {"schema": columns, "examples": examples.LISTED_CSV_EXAMPLES}
    return {**answer, "content": {**answer["content"], "text/csv": as_csv}}


_LINES = {
    "schema": {"type": "string", "description": "A JSON text in each line; blank lines are skipped."},
    "examples": examples.NDJSON_EXAMPLES,
}
_BODIES = {
    "application/json": {
        "schema": {
            "oneOf": [
                refer_to("Entry"),
                {"type": "array", "maxItems": MAX_ENTRIES, "items": refer_to("Entry")},
            ]
        },
        "examples": examples.JSON_EXAMPLES,
    },
    "application/x-ndjson": _LINES,
    "application/ndjson": _LINES,
    "application/jsonl": _LINES,
    "text/csv": {
        "schema": {
            "type": "string",
            "description": (
                "By RFC 4180, with commas, in UTF-8. The header names user_id, date, project, hours and, "
                "if it is wanted, entry_id, in any order."
            ),
        },
        "examples": examples.CSV_EXAMPLES,
    },
}

UPLOAD: Operation = {
    "operationId": "uploadTimesheets",
    "tags": ["Timesheets"],
    "summary": "Upload one entry or many",
    "description": (
        "One entry is a JSON object. Many are a JSON array, NDJSON or CSV: what is good of them is stored in "
        "one transaction, and each has a verdict in the answer. With an `entry_id` (or, for one entry, an "
        "`Idempotency-Key`) the same can be sent again and is stored once.\n\n"
        f"At once at most {MAX_ENTRIES:,} entries, {MAX_BYTES // MIB} MiB as sent and "
        f"{MAX_UNZIPPED_BYTES // MIB} MiB unzipped. `Content-Length` is required, and "
        "`Content-Encoding: gzip` is read."
    ),
    "parameters": _refer_to_parameters("atomic", "dry_run", "Idempotency-Key", "Prefer"),
    "requestBody": {"required": True, "content": _BODIES},
    "responses": {
        "201": {
            **_answer("One entry was stored.", refer_to("StoredEntry"), examples.CREATED_EXAMPLES),
            "links": {
                "read": {
                    "operationId": "retrieveTimesheet",
                    "parameters": {"timesheet_id": "$response.body#/id"},
                    "description": "Read it back, with a token that grants `read:timesheets`.",
                }
            },
        },
        "200": _answer(
            "One entry that was there already; or, with `dry_run`, what would have become of one or many.",
            {"oneOf": [refer_to("StoredEntry"), refer_to("CheckedEntry"), refer_to("DryReport")]},
            examples.OK_EXAMPLES,
            "Idempotency-Replayed",
            "Preference-Applied",
        ),
        "207": _answer(
            "Many entries, with a verdict for each.",
            refer_to("Report"),
            examples.REPORT_EXAMPLES,
            "Preference-Applied",
        ),
        **_refer_to_problems(400, 401, 403, 405, 406, 409, 411, 413, 415, 422, 429, 500, 503),
    },
}

LIST: Operation = {
    "operationId": "listTimesheets",
    "tags": ["Timesheets"],
    "summary": "Read what this client has uploaded",
    "description": "The client's own entries that match all parameters, in order of `id`, page by page.",
    "parameters": _refer_to_parameters(
        "user_id",
        "project",
        "date_from",
        "date_to",
        "received_since",
        "entry_id",
        "page_size",
        "cursor",
    ),
    "responses": {
        "200": _answer_as_csv_too(
            _answer("A page of entries.", refer_to("Page"), examples.PAGE_EXAMPLES, "Link")
        ),
        **_refer_to_problems(400, 401, 403, 405, 406, 500, 503),
    },
}

RETRIEVE: Operation = {
    "operationId": "retrieveTimesheet",
    "tags": ["Timesheets"],
    "summary": "Read one entry",
    "description": "One entry of this client's. Another client's is not found.",
    "parameters": _refer_to_parameters("timesheet_id"),
    "responses": {
        "200": _answer_as_csv_too(_answer("The entry.", refer_to("ListedEntry"), examples.LISTED_EXAMPLES)),
        **_refer_to_problems(400, 401, 403, 404, 405, 406, 500, 503),
    },
}


def describe_metadata(operation: Operation, path: str) -> Operation:
    """The operation that tells, to everybody, where tokens for what is at `path` come from."""
    name = operation["operationId"]
    parameters = ["timesheet_id"] if "{timesheet_id}" in path else []
    return {
        "operationId": f"{name}Metadata",
        "tags": ["Metadata"],
        "summary": f"Where access tokens for {path} come from",
        "description": "The metadata of a protected resource (RFC 9728), to which its challenges lead.",
        "parameters": _refer_to_parameters(*parameters),
        "security": [],
        "responses": {
            "200": _answer("The metadata.", refer_to("ResourceMetadata"), {}),
            **_refer_to_problems(400, *([404] if parameters else []), 405, 500),
        },
    }
