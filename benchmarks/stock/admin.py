"""The stock admin: Django's defaults with the same columns, filters and dates."""

from django.contrib import admin
from django.urls import path

from timesheets.admin import site
from timesheets.models import Timesheet


class StockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "id",
        "user_id",
        "date",
        "project",
        "hours",
        "revision",
        "client",
        "received_at",
        "entry_id",
    )
    list_filter = ("client", "received_at")
    search_fields = ("user_id", "entry_id", "project")
    date_hierarchy = "date"


stock_site = admin.AdminSite(name="stock")
stock_site.register(Timesheet, StockAdmin)

urlpatterns = [path("admin/", site.urls), path("stock/", stock_site.urls)]
