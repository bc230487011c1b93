from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import IntConverter, StringConverter
from django.views.generic import RedirectView

from timesheets.conf import CALLBACK_PATH
from timesheets.exceptions import METADATA_PATH
from timesheets.storage.run_lines import LABEL
from timesheets.views.assignments import AssignmentView, MissingView
from timesheets.views.downloads import TimesheetDownloadView, TotalsDownloadView
from timesheets.views.overview import ClientListView, CorrectionListView
from timesheets.views.receipts import ReceiptListView, ReceiptView, RejectionListView
from timesheets.views.runs import RunLineListView, RunListView, RunView
from timesheets.views.service import (
    describe_protected_resource,
    report_liveness,
    report_readiness,
    respond_with,
    serve_description,
    show_docs,
    show_landing,
    show_metrics,
)
from timesheets.views.sign_in import end_session, finish_sign_in, show_sign_in
from timesheets.views.timesheets import TimesheetListView, TimesheetView
from timesheets.views.totals import TotalsView
from timesheets.views.uploads import UploadView
from timesheets.views.weeks import WeekView


class RowIdConverter(IntConverter):
    """An id that fits the database, without a sign or leading zeros, so that each row has one address."""

    regex = "[1-9][0-9]{0,17}"


class RunLabelConverter(StringConverter):
    """The label of a run, whose first character makes it a segment of a path."""

    regex = LABEL.pattern


# The access log and the metrics name routes, and with them these names.
register_converter(RowIdConverter, "timesheet_id")
register_converter(RowIdConverter, "upload_id")
register_converter(RunLabelConverter, "run_label")


_MORE_SCOPES = ("further_scopes", "sufficient_scopes")


def _protect(route: str, view: Any, name: str) -> list[URLPattern]:
    """The view, and the metadata that its challenges link to."""
    return [
        path(route, view.as_view(), name=name),
        path(
            f"{METADATA_PATH.lstrip('/')}/{route}",
            describe_protected_resource,
            {"scopes": view.required_scopes.union(*(getattr(view, name, ()) for name in _MORE_SCOPES))},
        ),
    ]


handler400, handler403, handler404, handler500 = map(respond_with, (400, 403, 404, 500))

urlpatterns: list[URLPattern | URLResolver] = [
    # Django tries them in this order, and uploads are the most frequent requests.
    *_protect("timesheets/upload", UploadView, name="upload"),
    path("", show_landing, name="landing"),
    path("sign-in", show_sign_in, name="sign-in"),
    path(CALLBACK_PATH.lstrip("/"), finish_sign_in, name="callback"),
    path("sign-out", end_session, name="sign-out"),
    path("docs", show_docs, name="docs"),
    path("healthz", report_liveness, name="liveness"),
    path("readyz", report_readiness, name="readiness"),
    path("metrics", show_metrics, name="metrics"),
    path("openapi.json", serve_description, name="description"),
    *_protect("timesheets", TimesheetListView, name="timesheets"),
    *_protect("timesheets/download", TimesheetDownloadView, name="download"),
    *_protect("timesheets/<timesheet_id:timesheet_id>", TimesheetView, name="timesheet"),
    *_protect("uploads", ReceiptListView, name="receipts"),
    *_protect("uploads/<upload_id:upload_id>", ReceiptView, name="receipt"),
    *_protect("uploads/<upload_id:upload_id>/rejections", RejectionListView, name="rejections"),
    *_protect("assignments", AssignmentView, name="assignments"),
    *_protect("missing", MissingView, name="missing"),
    *_protect("runs", RunListView, name="runs"),
    *_protect("runs/<run_label:run_label>", RunView, name="run"),
    *_protect("runs/<run_label:run_label>/lines", RunLineListView, name="run-lines"),
    *_protect("totals", TotalsView, name="totals"),
    *_protect("clients", ClientListView, name="clients"),
    *_protect("corrections", CorrectionListView, name="corrections"),
    *_protect("totals/download", TotalsDownloadView, name="totals-download"),
    *_protect("people/week", WeekView, name="week"),
]

if apps.is_installed("django.contrib.admin"):
    from timesheets.admin import site

    urlpatterns += [
        # People type it without the slash.
        path("admin", RedirectView.as_view(pattern_name="admin:index")),
        path("admin/", site.urls),
    ]
