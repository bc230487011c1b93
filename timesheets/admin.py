"""The admin: people find stored entries, read them and export them as CSV. Nobody changes an entry here."""

import functools
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Min, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from timesheets import conf
from timesheets.addresses import find_address, find_network
from timesheets.formats.spreadsheets import write_csv
from timesheets.models import Client, Timesheet, Upload
from timesheets.storage.queries import Change, list_history
from timesheets.storage.rate_limits import Kind, Rate, forget_expired, give_back, use
from timesheets.trust.principals import MachineClient

logger = logging.getLogger(__name__)

# The columns of an export. Two of them are fields of the client.
_ENTRY_COLUMNS = ("user_id", "date", "project", "hours", "entry_id", "received_at")
_REVISION_COLUMNS = ("revision", "reason", "superseded_by", "upload")
_COLUMNS = ["id", "client", *_ENTRY_COLUMNS, "issuer", "subject", *_REVISION_COLUMNS]
_FIELDS = {"client": "client__client_id", "issuer": "client__issuer"}

# More would be slow to read. A search for the entry_id finds them all.
_MAX_REVISIONS = 100

# How often somebody may fail to sign in. Nobody far away can lock a person out, because both limits are those
# of an address. The second one is for those who try one password with many names.
_FAILURES_PER_NAME = Rate(count=10, seconds=15 * 60)
_FAILURES_PER_ADDRESS = Rate(count=50, seconds=15 * 60)


class SignInForm(AdminAuthenticationForm):
    """Django's form, which also limits and logs failed attempts, without the input: it may be a password."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt before the password is checked, or attempts at the same time would be free."""
        address = find_address(self.request) if self.request else ""
        network = find_network(address)
        names = [(network,), (network, self.cleaned_data.get("username", ""))]
        if not _begin_attempt(names):
            _log_refusal("admin_sign_in_limit", address)
            raise ValidationError("Too many failed attempts from your address. Try again in 15 minutes.")
        try:
            cleaned = super().clean()
        except ValidationError:
            _log_refusal("admin_sign_in", address)
            raise
        _uncount(names)
        return cleaned


def _begin_attempt(names: Sequence[tuple[str, ...]]) -> bool:
    """Count an attempt for the address, then for the name from this address. False if there are too many."""
    forget_expired()
    rates = (_FAILURES_PER_ADDRESS, _FAILURES_PER_NAME)
    for position, (name, rate) in enumerate(zip(names, rates, strict=True)):
        if use(Kind.ADMIN_SIGN_IN, name, rate):
            _uncount(names[:position])
            return False
    return True


def _uncount(names: Sequence[tuple[str, ...]]) -> None:
    for name in names:
        give_back(Kind.ADMIN_SIGN_IN, name)


def _log_refusal(reason: str, address: str) -> None:
    logger.warning("outcome=refused reason=%s address=%s", reason, json.dumps(address))


class Site(admin.AdminSite):
    """Django's admin in the API's time zone, because an entry's date without a time is midnight there."""

    login_form = SignInForm
    site_header = site_title = "Timesheets"
    index_title = "Entries and accounts"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        guarded_view = super().admin_view(view, cacheable)

        @functools.wraps(guarded_view)
        def view_in_zone(*args: Any, **kwargs: Any) -> HttpResponseBase:
            with timezone.override(conf.time_zone()):
                response = guarded_view(*args, **kwargs)
                # Templates show dates too. Django would render them outside this block.
                return response.render() if isinstance(response, SimpleTemplateResponse) else response

        return view_in_zone


site = Site()
site.register(User, UserAdmin)
site.register(Group, GroupAdmin)


# django-stubs makes ModelAdmin generic. Django does not.
class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    # No other order has an index.
    sortable_by = ()

    def _refuse(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _refuse


@admin.register(Client, site=site)
class ClientAdmin(ReadOnlyAdmin):
    list_display = ("client_id", "issuer", "timesheets")
    ordering = search_fields = ("client_id", "issuer")

    def timesheets(self, client: Client) -> SafeString:
        url = reverse("admin:timesheets_timesheet_changelist")
        return format_html('<a href="{}?client__id__exact={}">Timesheets</a>', url, client.pk)


class ReceivedAdmin(ReadOnlyAdmin):
    """Lists what clients sent, the latest first."""

    list_select_related = ("client",)
    list_filter = ("client", "received_at")
    # To count the rows behind each filter, Django would scan every row for each.
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    ordering = ("-id",)

    class Media:
        css = {"all": ("timesheets/admin.css",)}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        subtitle = f"Dates and times are those of {conf.time_zone()}"
        return super().changelist_view(request, {"subtitle": subtitle})


@admin.register(Upload, site=site)
class UploadAdmin(ReceivedAdmin):
    list_display = (
        "id",
        "label",
        "timesheets",
        "client__client_id",
        "received_at",
        "received",
        "created",
        "existing",
        "rejected",
        "hours_created",
    )
    search_fields = ("label__startswith",)
    search_help_text = "The beginning of a label."
    readonly_fields = ("timesheets",)

    def timesheets(self, upload: Upload) -> SafeString | str:
        """Link to the rows that it created. The link has their ids, too, because only ids have an index."""
        if upload.first_id is None:
            return "none"
        url = reverse("admin:timesheets_timesheet_changelist")
        query = f"upload__id__exact={upload.pk}&id__gte={upload.first_id}&id__lte={upload.last_id}"
        return format_html('<a href="{}?{}">Timesheets</a>', url, query)


class SummarizedTimesheets(QuerySet[Timesheet]):
    """Timesheets with a count, a first date and a last date that one statement reads, once.

    Django's list runs several statements for these, and each scans every row. On SQLite, Django's search
    for the years, months and days that have entries even calls a Python function for each row. This class
    returns all that lie between the first date and the last.
    """

    @cached_property
    def _summary(self) -> dict[str, Any]:
        return super().aggregate(count=Count("*"), first=Min("date"), last=Max("date"))

    def count(self) -> int:
        return int(self._summary["count"])

    def aggregate(self, *_: Any, **requested: Any) -> dict[str, Any]:
        """Return what the date hierarchy requests: `first` and `last`."""
        return {name: self._summary[name] for name in requested}

    def datetimes(self, _field: str, kind: str, *_: Any, **__: Any) -> list[date]:  # type: ignore[override]
        """Return the first day of each year; of each month, within a year; or every day, within a month."""
        if not self.count():
            return []
        first, last = (timezone.localtime(self._summary[name]).date() for name in ("first", "last"))
        if kind == "year":
            return [date(year, 1, 1) for year in range(first.year, last.year + 1)]
        if kind == "month":
            return [first.replace(month=month, day=1) for month in range(first.month, last.month + 1)]
        return [first.replace(day=day) for day in range(first.day, last.day + 1)]


class TimesheetChangeList(ChangeList):
    """Selects a page's ids, then its entries, or the rows before it would be searched for revisions, too."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        ids = list(self.result_list.values_list("pk", flat=True))
        page = self.root_queryset.filter(pk__in=ids).order_by(*self.get_ordering(request, self.queryset))
        self.result_list = self.apply_select_related(page)


@admin.register(Timesheet, site=site)
class TimesheetAdmin(ReceivedAdmin):
    list_display = (
        "id",
        *_ENTRY_COLUMNS[:4],
        "marked_revision",
        "client__client_id",
        "received_at",
        "entry_id",
    )
    readonly_fields = ("state", "history")
    date_hierarchy = "date"
    search_fields = ("user_id__exact", "entry_id__exact", "project__startswith")
    search_help_text = (
        "A complete user_id or entry_id, or the beginning of a project. "
        'An entry must match every word; "quotes" join words.'
    )
    actions = ("export_as_csv",)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return TimesheetChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Timesheet]:
        later = Timesheet.objects.filter(
            client=OuterRef("client"), entry_id=OuterRef("entry_id"), revision__gt=OuterRef("revision")
        )
        superseded_by = Subquery(later.order_by("revision").values("id")[:1])
        return SummarizedTimesheets(Timesheet).annotate(superseded_by=superseded_by)

    def state(self, timesheet: Timesheet) -> str:
        if timesheet.superseded_by is not None:  # type: ignore[attr-defined]
            return "superseded"
        return "current" if timesheet.hours else "withdrawn"

    @admin.display(description="revision")
    def marked_revision(self, timesheet: Timesheet) -> str:
        state = self.state(timesheet)
        is_plain = timesheet.revision == 1 and state == "current"
        return "1" if is_plain else f"{timesheet.revision}, {state}"

    def history(self, timesheet: Timesheet) -> str:
        """A table of the entry's revisions, the newest first, in which changed values are marked."""
        if timesheet.entry_id is None:
            return "This entry has no entry_id, so it can never be corrected."
        owner = timesheet.client
        client = MachineClient(issuer=owner.issuer, client_id=owner.client_id, subject=None)
        changes = list_history(client, timesheet.entry_id, _MAX_REVISIONS)
        context = {
            "history": [_describe_change(change) for change in changes],
            "shown_id": timesheet.pk,
            "entry_page": "admin:timesheets_timesheet_change",
            "upload_page": "admin:timesheets_upload_change",
        }
        return render_to_string("timesheets/parts/history.html", context)

    @admin.action(description="Export as CSV for spreadsheets", permissions=["view"])
    def export_as_csv(self, request: HttpRequest, selection: QuerySet[Timesheet]) -> StreamingHttpResponse:
        return StreamingHttpResponse(
            write_csv(_COLUMNS, _read_rows(selection)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="timesheets.csv"'},
        )


def _describe_change(change: Change) -> dict[str, Any]:
    stored = change.stored
    return {
        "row": {
            "id": stored.timesheet_id,
            **asdict(stored.entry),
            "received_at": stored.received_at,
            "superseded_by": stored.superseded_by,
        },
        "origin": stored,
        "was": change.previous and change.previous.entry,
    }


def _read_rows(selection: QuerySet[Timesheet]) -> Iterator[list[str]]:
    """Yield rows of text, with times as RFC 3339 writes them, in the zone that the pages use."""
    zone = conf.time_zone()
    # Streamed, 2,000 rows at a time.
    for row in selection.values_list(*(_FIELDS.get(name, name) for name in _COLUMNS)).iterator():
        cells = (cell.astimezone(zone).isoformat() if isinstance(cell, datetime) else cell for cell in row)
        yield ["" if cell is None else str(cell) for cell in cells]
