"""Timesheets as CSV."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

COLUMNS = ("id", "user_id", "date", "project", "hours", "entry_id", "received_at")


class CSVRenderer(BaseRenderer):
    """A header and a row for each timesheet (RFC 4180); problems stay JSON.

    The values are exact, so that what a program reads is what was uploaded. Some spreadsheets run cells
    that begin with `=`, `+`, `-` or `@`.
    """

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> str | bytes:
        if renderer_context["response"].exception:
            return JSONRenderer().render(data)
        return _write_rows(data.get("results", [data] if "id" in data else []))


def _write_rows(timesheets: list[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(timesheets)
    return text.getvalue()
