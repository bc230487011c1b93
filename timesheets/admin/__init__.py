"""The admin: people find stored entries, read them and export them as CSV. Nobody changes an entry here."""

from timesheets.admin.entries import EntryAdmin
from timesheets.admin.site import site
from timesheets.admin.uploads import ClientAdmin, UploadAdmin

__all__ = ["ClientAdmin", "EntryAdmin", "UploadAdmin", "site"]
