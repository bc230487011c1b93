"""What the admin shows of clients and their uploads."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from timesheets.admin.site import ReadOnlyAdmin, ReceivedAdmin, site
from timesheets.models import Client, Upload


@admin.register(Client, site=site)
class ClientAdmin(ReadOnlyAdmin):
    list_display = ("client_id", "issuer", "timesheets")
    ordering = search_fields = ("client_id", "issuer")

    def timesheets(self, client: Client) -> SafeString:
        url = reverse("admin:timesheets_timesheet_changelist")
        return format_html('<a href="{}?client__id__exact={}">Timesheets</a>', url, client.pk)


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
