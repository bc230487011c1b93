"""What tests in this process run under: the settings of the tests' servers, and the admin's tables."""

from tests.settings_server import *  # noqa: F403
from timesheets_site.settings_base import INSTALLED_APPS_WITH_ADMIN, TEMPLATES_WITH_ADMIN

# Fixtures add the admin's middleware. Without it, nobody can sign in to the admin.
INSTALLED_APPS = INSTALLED_APPS_WITH_ADMIN
TEMPLATES = TEMPLATES_WITH_ADMIN

# Look for a static file when it is asked for. A list of all of them costs each test client 20 ms.
WHITENOISE_AUTOREFRESH = True
