"""Django's admin: people find what is stored, whichever client sent it. Nobody changes an entry here."""

import functools
import json
import logging
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from timesheets import conf
from timesheets.models import AssignmentList, Client, ClientStop, Timesheet, Upload
from timesheets.storage.rate_limits import Rate, forget_expired, give_back, use

logger = logging.getLogger(__name__)

# How often people may fail to sign in from an address. Nobody far away can lock a person out.
_RATE = Rate(count=10, seconds=15 * 60)


class SignInForm(AdminAuthenticationForm):
    """Django's form, which also limits and logs failed attempts, without the input: it may be a password."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt before the password is checked, or attempts at the same time would be free."""
        address = find_address(self.request) if self.request else ""
        network = ("admin", find_network(address))
        forget_expired()
        if use(network, _RATE):
            _log_refusal("admin_sign_in_limit", address)
            raise ValidationError("Too many failed attempts from your address. Try again in 15 minutes.")
        try:
            cleaned = super().clean()
        except ValidationError:
            _log_refusal("admin_sign_in", address)
            raise
        give_back(network)
        return cleaned


def find_address(request: HttpRequest) -> str:
    """The address that connected to the proxy, or without a proxy, to the API.

    A proxy adds the address to the end of X-Forwarded-For. What is before it comes from the caller.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    is_usable = settings.TIMESHEETS_BEHIND_PROXY and forwarded
    return str(forwarded if is_usable else request.META.get("REMOTE_ADDR", ""))


def find_network(address: str) -> str:
    """The addresses that one person has: of IPv6, the first 64 bits."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or IPv6Network((int(ip), 64), strict=False))


def _log_refusal(reason: str, address: str) -> None:
    logger.warning("outcome=refused reason=%s address=%s", reason, json.dumps(address))


class Site(admin.AdminSite):
    """Django's admin in the API's time zone, because an entry's date without a time is midnight there."""

    login_form = SignInForm
    login_template = "timesheets/admin/login.html"
    site_title = "Timesheets"
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


# django-stubs makes ModelAdmin generic. Django does not.
class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists the latest first, and in no other order, because no other one has an index."""

    actions = None
    ordering: ClassVar[Any] = ("-id",)
    sortable_by = ()
    # To count the rows behind each filter, and of the whole table, Django would scan every row for each.
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse the other look-ups that Django allows, because they can run for hours."""
        return lookup == "client__id__exact" and "client" in self.list_filter

    def _refuse(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _refuse


site = Site()
site.register(User, UserAdmin)
site.register(Group, GroupAdmin)
_OF_CLIENTS = {"list_select_related": ("client",), "list_filter": ("client",)}
site.register(
    Timesheet,
    ReadOnlyAdmin,
    list_display=(
        *("id", "user_id", "date", "hours", "project", "revision"),
        *("client__client_id", "received_at", "entry_id"),
    ),
    search_fields=("user_id__exact", "entry_id__exact", "project__startswith"),
    search_help_text="A complete user id or entry id, or the beginning of a project.",
    **_OF_CLIENTS,
)
site.register(
    Upload,
    ReadOnlyAdmin,
    list_display=(
        *("id", "label", "client__client_id", "received_at"),
        *("received", "created", "existing", "rejected", "hours_created"),
    ),
    search_fields=("label__startswith",),
    search_help_text="The beginning of a label.",
    **_OF_CLIENTS,
)
site.register(Client, ReadOnlyAdmin, list_display=("client_id", "organization", "issuer"))
_DECISION = ("id", "client_id", "issuer", "decided_at", "decided_by")
site.register(AssignmentList, ReadOnlyAdmin, list_display=(*_DECISION, "organization", "sha256"))
site.register(ClientStop, ReadOnlyAdmin, list_display=(*_DECISION, "is_stopped"))
