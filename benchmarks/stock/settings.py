"""The settings of the tests' server, with the stock endpoint."""

from tests.settings_server import *  # noqa: F403

ROOT_URLCONF = "benchmarks.stock.views"
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# Logging is not part of the comparison.
LOGGING_CONFIG = None
