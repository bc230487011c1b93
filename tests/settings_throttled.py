"""What the tests' servers run under that limit the requests of each client."""

from tests.settings_server import *  # noqa: F403
from tests.settings_server import OAUTH
from timesheets_site import settings_base as base

OAUTH = {**OAUTH, "WEB_CLIENT_ID": "pages", "WEB_CLIENT_SECRET": "secret"}
TIMESHEETS_THROTTLE = "5/day"
REST_FRAMEWORK = base.rest_framework(throttle=TIMESHEETS_THROTTLE)
