"""The development issuer as a Django app, which starts in development only."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class DevissuerConfig(AppConfig):
    name = "timesheets_site.devissuer"

    def ready(self) -> None:
        """Raise ImproperlyConfigured unless DEBUG is on: the clients' secrets stand in the source."""
        if not settings.DEBUG:
            raise ImproperlyConfigured(
                "timesheets_site.devissuer gives tokens to everyone who can read the source, so it starts "
                "with DEBUG only. Take it out of INSTALLED_APPS, and its addresses out of ROOT_URLCONF."
            )
