"""The settings that a process would have with certain variables, without such a process."""

import os
import runpy
from typing import Any
from unittest import mock

from tests.kit.processes import PRODUCTION_VARIABLES

# Those of the test run stay: tables cannot come and go, and tests read the log.
_FIXED = {"DATABASES", "INSTALLED_APPS", "LOGGING"}


def load_settings(module: str, **variables: str) -> dict[str, Any]:
    """The settings of a module where only these variables are set. Raises ImproperlyConfigured."""
    with mock.patch.dict(os.environ, variables, clear=True):
        return {name: value for name, value in runpy.run_module(module).items() if name.isupper()}


def load_production(**changes: str | None) -> dict[str, Any]:
    """The settings of production, where the changes are to what it requires; None removes a variable."""
    variables = {**PRODUCTION_VARIABLES, **changes}
    given = {name: value for name, value in variables.items() if value is not None}
    return load_settings("timesheets_site.settings_production", **given)


def use_settings(fixture: Any, loaded: dict[str, Any]) -> None:
    """Let pytest-django's `settings` have these, apart from the apps, the database and the log."""
    for name, value in loaded.items():
        if name not in _FIXED and getattr(fixture, name, None) != value:
            setattr(fixture, name, value)
