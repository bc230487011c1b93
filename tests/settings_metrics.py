"""The tests' settings, with metrics."""

from tests.settings_server import *  # noqa: F403

TIMESHEETS_METRICS = True
