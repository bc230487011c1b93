"""What the tests' servers run under that have the admin too, beside all else that is for people."""

from tests.settings_server import *  # noqa: F403
from timesheets_site.settings_base import (
    INSTALLED_APPS_WITH_ADMIN,
    MIDDLEWARE_WITH_ADMIN,
    TEMPLATES_WITH_ADMIN,
    rest_framework,
)

INSTALLED_APPS = INSTALLED_APPS_WITH_ADMIN
MIDDLEWARE = MIDDLEWARE_WITH_ADMIN
TEMPLATES = TEMPLATES_WITH_ADMIN

TIMESHEETS_BROWSER_SIGN_IN = True
REST_FRAMEWORK = rest_framework(has_pages=True)

TIMESHEETS_BEHIND_PROXY = True

# Not UTC, or nobody would see whose days these are.
TIMESHEETS_TIME_ZONE = "Europe/Berlin"
