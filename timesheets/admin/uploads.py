"""What the admin shows of clients and their uploads."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from timesheets.admin.site import ReadOnlyAdmin, ReceivedAdmin, site
from timesheets.models import AssignmentList, Client, ClientStop, Upload
from timesheets.serializers import represent_rejection
from timesheets.storage.rejections import list_rejections
from timesheets.storage.scans import PageQuery

_MAX_REJECTIONS = 100


@admin.register(Client, site=site)
class ClientAdmin(ReadOnlyAdmin):
    list_display = ("client_id", "organization", "issuer", "entries")
    ordering = search_fields = ("client_id", "organization", "issuer")

    def entries(self, client: Client) -> SafeString:
        url = reverse("admin:timesheets_timesheet_changelist")
        return format_html('<a href="{}?client__id__exact={}">Entries</a>', url, client.pk)


@admin.register(AssignmentList, site=site)
class AssignmentListAdmin(ReadOnlyAdmin):
    list_display = ("id", "client_id", "organization", "issuer", "decided_at", "decided_by", "sha256")
    ordering = ("-id",)
    search_fields = ("client_id", "organization")
    fields = ("client_id", "organization", "issuer", "decided_at", "decided_by", "sha256", "content")


@admin.register(ClientStop, site=site)
class ClientStopAdmin(ReadOnlyAdmin):
    list_display = ("id", "client_id", "issuer", "is_stopped", "decided_at", "decided_by")
    ordering = ("-id",)
    search_fields = ("client_id",)


class UploadForm(forms.ModelForm):  # type: ignore[type-arg]
    """The labels of an upload's page."""

    class Meta:
        labels: ClassVar[Any] = {
            "hours_received": "Sent",
            "hours_created": "Stored",
            "hours_existing": "Already stored",
            "byte_count": "Bytes",
            "sha256": "SHA-256",
        }


@admin.register(Upload, site=site)
class UploadAdmin(ReceivedAdmin):
    form = UploadForm
    list_display = (
        "id",
        "label",
        "client_name",
        "received_time",
        "sent",
        "stored",
        "already_stored",
        "rejected",
        "hours_created",
    )
    fieldsets = (
        (None, {"fields": ("label", "client", "received_time", "subject")}),
        ("Entries", {"fields": ("sent", "stored", "already_stored", "rejected")}),
        ("Hours", {"fields": ("hours_received", "hours_created", "hours_existing")}),
        ("Rejected entries", {"fields": ("rejected_entries",)}),
        ("Request", {"fields": ("media_type", "byte_count", "sha256", "request_id", "token_id")}),
    )
    readonly_fields = ("received_time", "sent", "stored", "already_stored", "rejected_entries")
    search_fields = ("label__startswith",)
    search_help_text = "The beginning of a label."

    def sent(self, upload: Upload) -> int:
        return upload.received

    def stored(self, upload: Upload) -> SafeString | int:
        """Link to the rows that it created. The link has their ids, too, because only ids have an index."""
        if upload.first_id is None:
            return upload.created
        url = reverse("admin:timesheets_timesheet_changelist")
        query = f"upload__id__exact={upload.pk}&id__gte={upload.first_id}&id__lte={upload.last_id}"
        return format_html('<a href="{}?{}">{}</a>', url, query, upload.created)

    def already_stored(self, upload: Upload) -> int:
        return upload.existing

    def rejected_entries(self, upload: Upload) -> str:
        """A table of the first entries that it refused."""
        refused, _ = list_rejections(upload.pk, PageQuery(), _MAX_REJECTIONS)
        if not refused:
            return "None are kept."
        context = {"rejections": [represent_rejection(each) for each in refused]}
        return render_to_string("timesheets/parts/rejected.html", context)
