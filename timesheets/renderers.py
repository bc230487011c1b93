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
        if renderer_context["response"].exception:
            return JSONRenderer().render(data)
        request, columns = renderer_context["request"], COLUMNS
        if "fields" in request.query_params:
            columns += CORRECTION_COLUMNS
        if renderer_context["response"].shown["reach"].is_everything:
            columns += CLIENT_COLUMNS
        return _write_csv(columns, data.get("results", [data] if "id" in data else []))


class RejectionCSVRenderer(CSVRenderer):
    """Renders refused entries with the columns of an upload, and why each was refused."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> str | bytes:
        if renderer_context["response"].exception:
            return super().render(data, accepted_media_type, renderer_context)
        rows = ({**each["entry"], ERRORS: write_errors(each)} for each in data.get("results", ()))
        return _write_csv((*ENTRY_COLUMNS, *OPTIONAL_COLUMNS, ERRORS), rows)


class AssignmentCSVRenderer(CSVRenderer):
    """Renders a list of assignments with the columns in which an operator writes it."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> str | bytes:
        if renderer_context["response"].exception:
            return super().render(data, accepted_media_type, renderer_context)
        return _write_csv(ASSIGNMENT_COLUMNS, data["assignments"] or ())


class PeopleCSVRenderer(CSVRenderer):
    """Renders the people of a week, with their clients if there can be several."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> str | bytes:
        response = renderer_context["response"]
        if response.exception:
            return super().render(data, accepted_media_type, renderer_context)
        more = CLIENT_COLUMNS if response.shown["reach"].is_everything else ()
        return _write_csv((*PERSON_COLUMNS, *more), data["people"] or ())


class TableCSVRenderer(CSVRenderer):
    """Renders results with the columns that the view chose."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> str | bytes:
        response = renderer_context["response"]
        if response.exception:
            return super().render(data, accepted_media_type, renderer_context)
        return _write_csv(response.shown["columns"], data.get("results", [data]))


def write_errors(rejection: Mapping[str, Any]) -> str:
    """The errors of a refused entry as text, with the text of what has no members."""
    parts = [
        " ".join(words) if name == "non_field_errors" else f"{name}: {' '.join(words)}"
        for name, words in rejection["errors"].items()
    ]
    if rejection["entry"].keys() == {"text"}:
        parts.append(f"Sent: {rejection['entry']['text']}")
    return " ".join(parts)


def _write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class PageResponse(Response):
    """A response whose page shows more than its body: only a page calls what `shown` has of callables."""

    def __init__(self, data: Any, **shown: Any) -> None:
        super().__init__(data)
        self.shown = shown


def has_page(request: Request) -> bool:
    """Whether the response is for people."""
    return bool(request.accepted_renderer.media_type == "text/html")
