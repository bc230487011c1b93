"""What the admin shows of clients: their entries, their uploads, and what operators decided about them."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from timesheets import conf
from timesheets.admin.site import ID, MOMENT, ReadOnlyAdmin, site
from timesheets.formats.spreadsheets import write_csv
from timesheets.models import AssignmentList, Client, ClientStop, Timesheet, Upload
from timesheets.serializers import represent_change, represent_rejection
from timesheets.storage.queries import list_history
from timesheets.storage.receipts import list_rejections
from timesheets.storage.rows import is_in_state, to_key
from timesheets.storage.scans import PageQuery
from timesheets.storage.verdicts import State, find_state

# The columns of an export, and the fields of those that are not the entry's own.
_COLUMNS = (
    *("id", "client", "user_id", "date", "project", "hours", "entry_id", "received_at", "issuer", "subject"),
    *("revision", "reason", "superseded_by", "upload"),
)
_FIELDS = {"client": "client__client_id", "issuer": "client__issuer"}

# Of an entry's revisions, and of an upload's rejections. More would be slow to read.
_MAX_ROWS = 100


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.capitalize()) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Timesheet]) -> QuerySet[Timesheet]:
        value = self.value()
        return queryset.filter(is_in_state(State(value))) if value in set(State) else queryset


@admin.register(Timesheet, site=site)
class EntryAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "user_id", "date", "hours", "project", "marked_revision"),
        *("client__client_id", "received_at", "entry_id"),
    )
    list_select_related = ("client",)
    list_filter = ("client", StateFilter, "date", "received_at")
    lookups: ClassVar[Any] = {
        "client__id__exact": ID,
        "state": re.compile("|".join(State)),
        **dict.fromkeys(("date__gte", "date__lt", "received_at__gte", "received_at__lt"), MOMENT),
        # An upload's link to what it created.
        **dict.fromkeys(("upload__id__exact", "id__gte", "id__lte"), ID),
    }
    fields = readonly_fields = (
        *("user_id", "date", "project", "hours", "state", "entry_id"),
        *("client", "received_at", "subject", "upload", "history"),
    )
    search_fields = ("user_id__exact", "entry_id__exact", "project__startswith")
    search_help_text = (
        "A complete user id or entry id, or the beginning of a project. "
        'An entry must match every word; "quotes" join words.'
    )
    actions = ("export_as_csv",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Timesheet]:
        later = Timesheet.objects.filter(
            client=OuterRef("client"), entry_id=OuterRef("entry_id"), revision__gt=OuterRef("revision")
        )
        superseded_by = Subquery(later.order_by("revision").values("id")[:1])
        return Timesheet.objects.annotate(superseded_by=superseded_by)

    def state(self, timesheet: Timesheet) -> State:
        return find_state(timesheet.hours, timesheet.superseded_by)  # type: ignore[attr-defined]

    @admin.display(description="revision")
    def marked_revision(self, timesheet: Timesheet) -> str:
        state = self.state(timesheet)
        is_plain = timesheet.revision == 1 and state is State.CURRENT
        return "1" if is_plain else f"{timesheet.revision}, {state}"

    def history(self, timesheet: Timesheet) -> str:
        """A table of the entry's revisions, the newest first, in which changed values are marked."""
        if timesheet.entry_id is None:
            return "This entry has no entry_id, so it can never be corrected."
        changes = list_history(to_key(timesheet.client), timesheet.entry_id, _MAX_ROWS)
        context = {
            "history": [represent_change(change) for change in changes],
            "shown_id": timesheet.pk,
            "entry_page": "admin:timesheets_timesheet_change",
            "upload_page": "admin:timesheets_upload_change",
        }
        return render_to_string("timesheets/parts/history.html", context)

    @admin.action(description="Export as CSV for spreadsheets", permissions=["view"])
    def export_as_csv(self, request: HttpRequest, selection: QuerySet[Timesheet]) -> StreamingHttpResponse:
        # Streamed, 2,000 rows at a time.
        rows = selection.values_list(*(_FIELDS.get(name, name) for name in _COLUMNS)).iterator()
        return StreamingHttpResponse(
            write_csv(_COLUMNS, rows, conf.time_zone()),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="timesheets.csv"'},
        )


@admin.register(Upload, site=site)
class UploadAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "label", "client__client_id", "received_at"),
        *("received", "stored", "existing", "rejected", "hours_stored"),
    )
    list_select_related = ("client",)
    list_filter = ("client", "received_at")
    lookups: ClassVar[Any] = {"client__id__exact": ID, "received_at__gte": MOMENT, "received_at__lt": MOMENT}
    readonly_fields = ("stored", "rejected_entries")
    search_fields = ("label__startswith",)
    search_help_text = "The beginning of a label."

    def stored(self, upload: Upload) -> SafeString | int:
        """Link to the rows that it created. The link has their ids, too, because only ids have an index."""
        if upload.first_id is None:
            return upload.created
        url = reverse("admin:timesheets_timesheet_changelist")
        query = f"upload__id__exact={upload.pk}&id__gte={upload.first_id}&id__lte={upload.last_id}"
        return format_html('<a href="{}?{}">{}</a>', url, query, upload.created)

    @admin.display(description="Hours stored")
    def hours_stored(self, upload: Upload) -> Decimal:
        return upload.hours_created

    def rejected_entries(self, upload: Upload) -> str:
        """A table of the first entries that it refused."""
        refused, _ = list_rejections(upload.pk, PageQuery(), _MAX_ROWS)
        if not refused:
            return "None are kept."
        context = {"rejections": [represent_rejection(each) for each in refused]}
        return render_to_string("timesheets/parts/rejected.html", context)


@admin.register(Client, site=site)
class ClientAdmin(ReadOnlyAdmin):
    list_display = ordering = search_fields = ("client_id", "organization", "issuer")


@admin.register(AssignmentList, site=site)
class AssignmentListAdmin(ReadOnlyAdmin):
    list_display = ("id", "client_id", "organization", "issuer", "decided_at", "decided_by", "sha256")
    search_fields = ("client_id", "organization")


@admin.register(ClientStop, site=site)
class ClientStopAdmin(ReadOnlyAdmin):
    list_display = ("id", "client_id", "issuer", "is_stopped", "decided_at", "decided_by")
    search_fields = ("client_id",)
