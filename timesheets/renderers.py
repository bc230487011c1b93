"""Responses as JSON, timesheets as CSV, and what a response holds for a page."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets.storage.assignments import COLUMNS as ASSIGNMENT_COLUMNS
from timesheets_files.members import COLUMNS as ENTRY_COLUMNS
from timesheets_files.members import ERRORS, OPTIONAL_COLUMNS

COLUMNS: tuple[str, ...] = ("id", "user_id", "date", "project", "hours", "entry_id", "received_at")
# Only with `fields=all`, because programs rely on the columns above.
CORRECTION_COLUMNS = ("revision", "reason", "supersedes", "superseded_by")
# At the end, if there can be rows of several clients.
CLIENT_COLUMNS = ("client", "organization")
PERSON_COLUMNS = ("user_id", "hours", "expected", "status")

# The columns of a CSV file, and its rows.
Table = tuple[Sequence[str], Iterable[Mapping[str, Any]]]


class PlainJSONRenderer(JSONRenderer):
    """DRF's renderer for data that is JSON already. It has no option for indentation."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else _ENCODER.encode(data).encode()


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class CSVRenderer(BaseRenderer):
    """Renders a header and one row per timesheet (RFC 4180). Problems stay JSON.

    Programs read back exactly what was uploaded. Some spreadsheets therefore run cells that begin with
    `=`, `+`, `-` or `@`.
    """

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> str | bytes:
        response = renderer_context["response"]
        if response.exception:
            return JSONRenderer().render(data)
        if not isinstance(response, PageResponse):
            # An answer to OPTIONS has no rows.
            return ""
        text = io.StringIO()
        columns, rows = self.tabulate(data, response.shown, renderer_context["request"])
        writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def tabulate(self, data: Any, shown: Mapping[str, Any], request: Request) -> Table:
        columns = COLUMNS
        if "fields" in request.query_params:
            columns += CORRECTION_COLUMNS
        if shown["reach"].is_everything:
            columns += CLIENT_COLUMNS
        return columns, data.get("results", [data])


class RejectionCSVRenderer(CSVRenderer):
    """Renders refused entries with the columns of an upload, and why each was refused."""

    def tabulate(self, data: Any, shown: Mapping[str, Any], request: Request) -> Table:
        rows = ({**each["entry"], ERRORS: write_errors(each)} for each in data.get("results", ()))
        return (*ENTRY_COLUMNS, *OPTIONAL_COLUMNS, ERRORS), rows


class AssignmentCSVRenderer(CSVRenderer):
    """Renders a list of assignments with the columns in which an operator writes it."""

    def tabulate(self, data: Any, shown: Mapping[str, Any], request: Request) -> Table:
        return ASSIGNMENT_COLUMNS, data["assignments"] or ()


class PeopleCSVRenderer(CSVRenderer):
    """Renders the people of a week, with their clients if there can be several."""

    def tabulate(self, data: Any, shown: Mapping[str, Any], request: Request) -> Table:
        more = CLIENT_COLUMNS if shown["reach"].is_everything else ()
        return (*PERSON_COLUMNS, *more), data["people"] or ()


class TableCSVRenderer(CSVRenderer):
    """Renders results with the columns that the view chose."""

    def tabulate(self, data: Any, shown: Mapping[str, Any], request: Request) -> Table:
        return shown["columns"], data.get("results", [data])


def write_errors(rejection: Mapping[str, Any]) -> str:
    """The errors of a refused entry as text, with the text of what has no members."""
    parts = [
        " ".join(words) if name == "non_field_errors" else f"{name}: {' '.join(words)}"
        for name, words in rejection["errors"].items()
    ]
    if rejection["entry"].keys() == {"text"}:
        parts.append(f"Sent: {rejection['entry']['text']}")
    return " ".join(parts)


class PageResponse(Response):
    """A response whose page shows more than its body: only a page calls what `shown` has of callables."""

    def __init__(self, data: Any, **shown: Any) -> None:
        super().__init__(data)
        self.shown = shown


def has_page(request: Request) -> bool:
    """Whether the response is for people."""
    return bool(request.accepted_renderer.media_type == "text/html")
