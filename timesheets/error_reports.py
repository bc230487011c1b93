"""Keep secrets out of Django's error pages and error mails."""

import os
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from timesheets.logs import redact_tokens

# These never contain a secret.
_SHOWN_SETTINGS = ("INSTALLED_APPS", "MIDDLEWARE", "SETTINGS_MODULE")


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Hides everything that may contain a secret. Django's own filter recognizes secrets by name only."""

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        return dict[str, Any]().items()

    def get_safe_settings(self) -> dict[str, Any]:
        return {name: getattr(settings, name) for name in _SHOWN_SETTINGS}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        # The development server copies its environment variables into every request.
        meta = super().get_safe_request_meta(request)
        return {name: value for name, value in meta.items() if name not in os.environ}


class RedactingReporter(ExceptionReporter):
    """Redacts tokens in addresses, headers and the exception's message."""

    def get_traceback_html(self) -> str:  # type: ignore[override]
        return redact_tokens(super().get_traceback_html())

    def get_traceback_text(self) -> str:  # type: ignore[override]
        return redact_tokens(super().get_traceback_text())
