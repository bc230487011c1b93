"""The admin's site: its time zone, its accounts, and lists that accept only the look-ups that they offer."""

import functools
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.text import smart_split

from timesheets import conf
from timesheets.admin.sign_in import SignInForm

MAX_WORDS = 10

# The form of a look-up's value.
ID = re.compile(r"\d{1,18}", re.ASCII)
MOMENT = re.compile(r"[12]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)


class Site(admin.AdminSite):
    """Django's admin in the API's time zone, because an entry's date without a time is midnight there."""

    login_form = SignInForm
    login_template = "timesheets/admin/login.html"
    site_title = "Timesheets"
    index_title = "Entries and accounts"
    # Lists need its room.
    enable_nav_sidebar = False

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        header = f"Timesheets, in the time of {conf.time_zone()}"
        return {**super().each_context(request), "site_header": header}

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
    """Lists the latest first, and in no other order, because no other one has an index.

    Refuses look-ups that Django allows everyone who may see a list, because they can run for hours.
    """

    change_form_template = "timesheets/admin/read_only.html"
    ordering: ClassVar[Any] = ("-id",)
    sortable_by = ()
    # To count the rows behind each filter, and of the whole table, Django would scan every row for each.
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    # The look-ups that links and filters use, with the form of their values.
    lookups: ClassVar[Mapping[str, re.Pattern[str]]] = {}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        pattern = self.lookups.get(lookup)
        if pattern is None or not pattern.fullmatch(value):
            return False
        # Repeated values are alternatives, and a thousand of them too many for SQLite.
        return request is None or len(request.GET.getlist(lookup)) == 1

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """No row, rather than every row, if there are more words than the database should compare."""
        if sum(1 for _ in smart_split(search_term)) > MAX_WORDS:
            messages.error(request, f"Nothing is listed. Search for at most {MAX_WORDS} words.")
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def _refuse(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _refuse
