"""Responses as JSON, timesheets as CSV, and what a response holds for a page."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets.storage.rows import Reach

COLUMNS = ("id", "user_id", "date", "project", "hours", "entry_id", "received_at")
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
    """Renders a header and the rows of a PageResponse (RFC 4180). Problems stay JSON.

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
        writer = csv.DictWriter(text, response.columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(data.get("results", [data]) if response.rows is None else response.rows)
        return text.getvalue()


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
    """A response whose page shows more than its body: only a page calls what `shown` has of callables.

    Its CSV has these columns of the `rows`: without them, of the results in the body, or of the body itself.
    """

    def __init__(
        self, data: Any, *, columns: Sequence[str] = (), rows: Iterable[Any] | None = None, **shown: Any
    ) -> None:
        super().__init__(data)
        self.columns, self.rows, self.shown = columns, rows, shown


def choose_columns(names: Sequence[str], reach: Reach) -> Sequence[str]:
    return (*names, *(CLIENT_COLUMNS if reach.is_everything else ()))


def has_page(request: Request) -> bool:
    """Whether the response is for people."""
    return bool(request.accepted_renderer.media_type == "text/html")
