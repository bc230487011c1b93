"""The admin's site: its time zone, and lists that nobody can change."""

import functools
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.text import capfirst

from timesheets import conf
from timesheets.admin.filters import ReceivedFilter
from timesheets.admin.lists import FLAG, ID, MOMENT, ListAdmin
from timesheets.admin.sign_in import SignInForm
from timesheets.formats.moments import write_moment
from timesheets.models import Timesheet, Upload


class Site(admin.AdminSite):
    """Django's admin in the API's time zone, because an entry's date without a time is midnight there."""

    login_form = SignInForm
    login_template = "timesheets/admin/login.html"
    site_header = site_title = "Timesheets"
    index_title = "Entries and accounts"
    # Lists need its room.
    enable_nav_sidebar = False

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Nothing: no form completes what people type, and this would be one more search."""
        raise Http404

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


@admin.register(User, site=site)
class AccountAdmin(ListAdmin, UserAdmin):  # type: ignore[type-arg]
    lookups: ClassVar[Any] = {
        "is_staff__exact": FLAG,
        "is_superuser__exact": FLAG,
        "is_active__exact": FLAG,
        "groups__id__exact": ID,
        "groups__isnull": FLAG,
    }


@admin.register(Group, site=site)
class AccountGroupAdmin(ListAdmin, GroupAdmin):
    pass


class ReadOnlyAdmin(ListAdmin):
    change_form_template = "timesheets/admin/read_only.html"

    def _refuse(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _refuse


class ReceivedAdmin(ReadOnlyAdmin):
    """Lists what clients sent, the latest first."""

    list_select_related = ("client",)
    list_filter: ClassVar[Any] = ("client", ("received_at", ReceivedFilter))
    lookups: ClassVar[Any] = {"client__id__exact": ID, "received_at__gte": MOMENT, "received_at__lt": MOMENT}
    # To count the rows behind each filter, Django would scan every row for each.
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    ordering = ("-id",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        subtitle = f"Dates and times are those of {conf.time_zone()}"
        return super().changelist_view(request, {"title": title, "subtitle": subtitle})

    @admin.display(description="client")
    def client_name(self, row: Timesheet | Upload) -> str:
        return row.client.client_id

    @admin.display(description="received")
    def received_time(self, row: Timesheet | Upload) -> str:
        return write_moment(timezone.localtime(row.received_at))
