"""The tests' server, with the rival's address beside the API's."""

from tests.settings_server import *  # noqa: F403

ROOT_URLCONF = "benchmarks.stock.urls"
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# What a batch logs is not what is compared.
LOGGING_CONFIG = None
