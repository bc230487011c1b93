"""`manage.py serve` in this process, up to where granian would take its place."""

import os
from typing import NoReturn

import pytest
from django.core.checks.registry import registry
from django.core.management import CommandError, call_command
from django.db import connections


class Started(Exception):
    """Granian would run now."""


def start(*_: object) -> NoReturn:
    raise Started


def serve() -> tuple[int, str]:
    """The exit status of a server that refuses to start, and what it says; 0 and nothing if it starts."""
    # Those of Django look at all apps of this process.
    checks = {check for check in registry.registered_checks if check.__module__.startswith("timesheets")}
    # A process that starts has no connection yet.
    connections.close_all()
    with pytest.MonkeyPatch.context() as system:
        system.setattr(registry, "registered_checks", checks)
        system.setattr(os, "execve", start)
        try:
            call_command("serve")
        except CommandError as refused:
            return refused.returncode, str(refused)
        except Started:
            return 0, ""
    raise AssertionError("neither started nor refused")
