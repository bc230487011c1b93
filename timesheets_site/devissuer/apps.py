"""The development issuer as a Django app, which starts only in development."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class DevissuerConfig(AppConfig):
    name = "timesheets_site.devissuer"

    def ready(self) -> None:
        """Raise ImproperlyConfigured unless DEBUG is on, because the clients' secrets are in the source."""
        if not settings.DEBUG:
            raise ImproperlyConfigured(
                "timesheets_site.devissuer issues tokens to everyone who can read the source, so it starts "
                "with DEBUG only. Remove it from INSTALLED_APPS, and its URLs from ROOT_URLCONF."
            )
