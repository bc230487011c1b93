"""The settings of the tests' server, with the middleware of production, which has no pages."""

from tests.settings_server import *  # noqa: F403
from timesheets_site import settings_base as base

MIDDLEWARE = base.MIDDLEWARE
