"""The admin: people find stored entries, read them, and take them away as CSV. Nothing here changes one."""

import functools
import json
import logging
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Min, Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from timesheets import conf
from timesheets.formats.spreadsheets import write_csv
from timesheets.models import Client, Timesheet

logger = logging.getLogger(__name__)

# What is exported, by the names that the columns have in the file.
_EXPORTED = {
    "id": "id",
    "client": "client__client_id",
    "user_id": "user_id",
    "date": "date",
    "project": "project",
    "hours": "hours",
    "entry_id": "entry_id",
    "received_at": "received_at",
    "issuer": "client__issuer",
    "subject": "subject",
}
# So many rows are read at once, and the next ones when these are sent.
_ROWS_A_FETCH = 2000


class SignInForm(AdminAuthenticationForm):
    """Django's form, which also logs an attempt that failed, but not what was typed: it may be a password."""

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except ValidationError:
            address = self.request.META.get("REMOTE_ADDR") if self.request else None
            logger.warning("outcome=refused reason=admin_sign_in address=%s", json.dumps(address))
            raise


class Site(admin.AdminSite):
    """Django's admin, with its dates in the zone whose midnight an entry's date means."""

    login_form = SignInForm
    site_header = site_title = "Timesheets"
    index_title = "What is stored, and who may see it"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        guarded_view = super().admin_view(view, cacheable)

        @functools.wraps(guarded_view)
        def view_in_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with timezone.override(conf.time_zone()):
                response = guarded_view(request, *args, **kwargs)
                # Templates show dates too, and Django would render them when the zone is gone.
                return response.render() if isinstance(response, SimpleTemplateResponse) else response

        return view_in_zone


site = Site()
site.register(User, UserAdmin)
site.register(Group, GroupAdmin)


# It takes type arguments in django-stubs, and none in Django.
class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Seen by whoever has the permission to view, and changed by nobody."""

    # Of a million rows, no other order has an index.
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Client, site=site)
class ClientAdmin(ReadOnlyAdmin):
    list_display = ("client_id", "issuer", "timesheets")
    ordering = ("client_id", "issuer")
    search_fields = ("client_id", "issuer")

    def timesheets(self, client: Client) -> SafeString:
        url = reverse("admin:timesheets_timesheet_changelist")
        return format_html('<a href="{}?client__id__exact={}">Timesheets</a>', url, client.pk)


class SummarizedTimesheets(QuerySet[Timesheet]):
    """Timesheets whose number, first date and last date one statement finds, once.

    Django's list asks for them by several, each of which looks at every row. For the years, months and days
    that have an entry, SQLite would even call a function of Python's for each row; here they are all that
    lie between the first date and the last.
    """

    @cached_property
    def _summary(self) -> dict[str, Any]:
        return super().aggregate(count=Count("*"), first=Min("date"), last=Max("date"))

    def count(self) -> int:
        return int(self._summary["count"])

    def aggregate(self, *_: Any, **asked: Any) -> dict[str, Any]:
        """What the date hierarchy asks for: `first` and `last`."""
        return {name: self._summary[name] for name in asked}

    def datetimes(self, _field: str, kind: str, *_: Any, **__: Any) -> list[date]:  # type: ignore[override]
        if not self.count():
            return []
        moments = (self._summary["first"], self._summary["last"])
        first, last = (timezone.localtime(moment).date() for moment in moments)
        return _list_periods(first, last, kind)


def _list_periods(first: date, last: date, kind: str) -> list[date]:
    """The first days of all years or months that lie between, or all days."""
    if kind == "year":
        return [date(year, 1, 1) for year in range(first.year, last.year + 1)]
    if kind == "month":
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [date(month // 12, month % 12 + 1, 1) for month in months]
    return [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]


@admin.register(Timesheet, site=site)
class TimesheetAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "user_id",
        "date",
        "project",
        "hours",
        "sender",
        "received_at",
        "entry_id",
    )
    list_select_related = ("client",)
    list_filter = ("client", "received_at")
    # Counts of what each filter would leave look at every row for each.
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    date_hierarchy = "date"
    ordering = ("-id",)
    search_fields = ("user_id__exact", "entry_id__exact", "project__startswith")
    search_help_text = (
        "A whole user_id or entry_id, or how a project begins. "
        'Several words must all be found; "quotes" make one of them.'
    )
    actions = ("export_as_csv",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Timesheet]:
        return SummarizedTimesheets(Timesheet)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        subtitle = f"Dates and times are those of {conf.time_zone()}"
        return super().changelist_view(request, {**(extra_context or {}), "subtitle": subtitle})

    @admin.display(description="client")
    def sender(self, timesheet: Timesheet) -> str:
        """Without its issuer, which is nearly always the same."""
        return timesheet.client.client_id

    @admin.action(description="Export as CSV for spreadsheets", permissions=["view"])
    def export_as_csv(self, request: HttpRequest, selection: QuerySet[Timesheet]) -> StreamingHttpResponse:
        return StreamingHttpResponse(
            write_csv(list(_EXPORTED), _read_rows(selection)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="timesheets.csv"'},
        )


def _read_rows(selection: QuerySet[Timesheet]) -> Iterator[list[str]]:
    rows = selection.values_list(*_EXPORTED.values())
    zone = conf.time_zone()
    for row in rows.iterator(chunk_size=_ROWS_A_FETCH):
        yield [_write_cell(value, zone) for value in row]


def _write_cell(value: object, zone: ZoneInfo) -> str:
    """A value as text; a moment as RFC 3339 writes it, with the time of day that the pages show."""
    if value is None:
        return ""
    return value.astimezone(zone).isoformat() if isinstance(value, datetime) else str(value)
