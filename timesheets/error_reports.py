"""What Django's error pages and mails tell of a bug: where it happened, but no token that was at hand."""

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

# Where tokens and their parts are in variables.
_MODULES = frozenset(
    f"timesheets.{name}"
    for name in (
        "access_tokens",
        "authentication",
        "development_tokens",
        "pasted_tokens",
        "token_rules",
        "unverified_tokens",
        "views.sign_in",
    )
)


class TokenFreeReporterFilter(SafeExceptionReporterFilter):
    """Django's filter, which hides secrets by their names, made to hide all variables of some modules."""

    def is_active(self, request: HttpRequest | None) -> bool:
        # Also under DEBUG, where Django's own shows everything.
        return True

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        if tb_frame.f_globals.get("__name__") not in _MODULES:
            return variables
        return dict.fromkeys((name for name, _ in variables), self.cleansed_substitute).items()
