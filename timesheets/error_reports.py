"""What Django's error pages and mails say about a bug: where it is, and nothing that may be a secret."""

import os
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from timesheets.logs import redact_tokens

# No secret can be among these.
_SHOWN_SETTINGS = ("INSTALLED_APPS", "MIDDLEWARE", "SETTINGS_MODULE")


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Django's own filter knows secrets by their names. This one hides what may hold one under any name."""

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        variables: dict[str, Any] = {}
        return variables.items()

    def get_safe_settings(self) -> dict[str, Any]:
        return {name: getattr(settings, name) for name in _SHOWN_SETTINGS}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        # The development server copies its environment into each request's.
        meta: dict[str, Any] = super().get_safe_request_meta(request)
        return {name: value for name, value in meta.items() if name not in os.environ}


class RedactingReporter(ExceptionReporter):
    """Leaves out any token that stands in an address, a header or the exception's own words."""

    def get_traceback_html(self) -> str:  # type: ignore[override]
        return redact_tokens(super().get_traceback_html())

    def get_traceback_text(self) -> str:  # type: ignore[override]
        return redact_tokens(super().get_traceback_text())
