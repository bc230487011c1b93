"""What the admin shows of entries: lists with totals, single entries with a history, and CSV."""

from datetime import time
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from timesheets import conf
from timesheets.admin.filters import EntryFilter, EntryForm, StateFilter
from timesheets.admin.lists import ANY, ID, List
from timesheets.admin.queries import MAX_TOTALED, SummarizedTimesheets
from timesheets.admin.site import ReceivedAdmin, site
from timesheets.formats.moments import write_day, write_moment
from timesheets.formats.spreadsheets import write_csv
from timesheets.models import Timesheet
from timesheets.serializers import represent_change
from timesheets.storage.queries import list_history
from timesheets.storage.rows import to_key
from timesheets.storage.verdicts import State, find_state

# The columns of an export. Two of them are fields of the client.
_COLUMNS = (
    *("id", "client", "user_id", "date", "project", "hours", "entry_id", "received_at", "issuer", "subject"),
    *("revision", "reason", "superseded_by", "upload"),
)
_FIELDS = {"client": "client__client_id", "issuer": "client__issuer"}

# More would be slow to read. A search for the entry_id finds them all.
_MAX_REVISIONS = 100


# What people call a timesheet. In the model, the names would need a migration.
Timesheet._meta.verbose_name = "entry"  # noqa: SLF001  Django documents _meta as its public interface.
Timesheet._meta.verbose_name_plural = "entries"  # noqa: SLF001


class EntryList(List):
    """Selects a page's ids, then its entries, or the rows before it would be searched for revisions, too."""

    max_totaled = f"{MAX_TOTALED:,}"

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        ids = list(self.result_list.values_list("pk", flat=True))
        page = self.root_queryset.filter(pk__in=ids).order_by(*self.get_ordering(request, self.queryset))
        self.result_list = self.apply_select_related(page)

    def totals(self) -> dict[str, str]:
        """What the entries of all pages add up to, as text; nothing if there are too many."""
        totals = self.queryset.add_up_current()
        if totals is None:
            return {}
        return {
            "Hours": f"{totals['hours']:,.2f}",
            "Current entries": f"{totals['entries']:,}",
            "Employees": f"{totals['employees']:,}",
        }


@admin.register(Timesheet, site=site)
class EntryAdmin(ReceivedAdmin):
    list_display = (
        "id",
        "employee",
        "day",
        "hours",
        "project",
        "marked_revision",
        "client_name",
        "received_time",
        "entry_id",
    )
    list_filter = (EntryFilter, StateFilter, *ReceivedAdmin.list_filter)
    lookups: ClassVar[Any] = {
        **ReceivedAdmin.lookups,
        **dict.fromkeys((*EntryForm.base_fields, "state"), ANY),
        # An upload's link to what it created.
        "upload__id__exact": ID,
        "id__gte": ID,
        "id__lte": ID,
    }
    fields = readonly_fields = (
        "employee",
        "day",
        "project",
        "hours",
        "state",
        "entry_id",
        "client",
        "received_time",
        "subject",
        "upload",
        "history",
    )
    search_fields = ("user_id__exact", "entry_id__exact", "project__startswith")
    search_help_text = (
        "A complete employee or entry id, or the beginning of a project. "
        'An entry must match every word; "quotes" join words.'
    )
    actions = ("export_as_csv",)
    change_list_template = "timesheets/admin/entries.html"

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return EntryList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Timesheet]:
        later = Timesheet.objects.filter(
            client=OuterRef("client"), entry_id=OuterRef("entry_id"), revision__gt=OuterRef("revision")
        )
        superseded_by = Subquery(later.order_by("revision").values("id")[:1])
        return SummarizedTimesheets(Timesheet).annotate(superseded_by=superseded_by)

    @admin.display(description="employee")
    def employee(self, timesheet: Timesheet) -> str:
        return timesheet.user_id

    @admin.display(description="date")
    def day(self, timesheet: Timesheet) -> str:
        """The entry's date, without the time if that is midnight: a date without a time means midnight."""
        local = timezone.localtime(timesheet.date)
        return write_day(local) if local.time() == time() else write_moment(local)

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
        changes = list_history(to_key(timesheet.client), timesheet.entry_id, _MAX_REVISIONS)
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
