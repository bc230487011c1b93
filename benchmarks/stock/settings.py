"""The settings of the tests' server, with the middleware of production and the stock endpoint."""

from tests.settings_server import *  # noqa: F403
from timesheets_site import settings_base as base

MIDDLEWARE = base.MIDDLEWARE
ROOT_URLCONF = "benchmarks.stock.views"
DATA_UPLOAD_MAX_MEMORY_SIZE = None
