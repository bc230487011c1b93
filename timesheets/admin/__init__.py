"""Django's admin: people find what is stored, whichever client sent it. Nobody changes an entry here."""

from timesheets.admin import received
from timesheets.admin.site import site

__all__ = ["received", "site"]
