"""Production cannot serve the development issuer. Each safeguard is tested alone."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

import timesheets_site.devissuer
from tests.kit.processes import PRODUCTION_VARIABLES, REPOSITORY, run_python
from timesheets_site.devissuer.apps import DevissuerConfig

DESCRIBE = """
import json, sys
import django; django.setup()
from django.apps import apps
from django.conf import settings
from django.urls import Resolver404, resolve

def is_served(path):
    try:
        return bool(resolve(path))
    except Resolver404:
        return False

print(json.dumps({
    "served": [path for path in sys.argv[1:] if is_served(path)],
    "names": [*dir(settings), *sys.modules, *(app.name for app in apps.get_app_configs())],
    "issuer": settings.OAUTH["ISSUER"],
    "jwks_url": settings.OAUTH["JWKS_URL"],
}))
"""


def run_in_production(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run code in a separate process with only production's variables."""
    return run_python("-c", *arguments, **{**PRODUCTION_VARIABLES, **changes})


def test_the_app_refuses_to_start_without_debug(settings: Any) -> None:
    settings.DEBUG = False

    with pytest.raises(ImproperlyConfigured, match="DEBUG only"):
        DevissuerConfig("timesheets_site.devissuer", timesheets_site.devissuer).ready()


def test_only_the_development_settings_name_it() -> None:
    folders = ("timesheets_site", "timesheets", "timesheets_client", "deploy")
    files = [file for folder in folders for file in (REPOSITORY / folder).rglob("*.py")]

    naming = [
        file.relative_to(REPOSITORY).as_posix()
        for file in [*files, REPOSITORY / "manage.py"]
        if "devissuer" not in file.parts and "devissuer" in file.read_text().lower()
    ]

    assert naming == ["timesheets_site/settings.py"]


def test_production_serves_the_api_without_the_issuer_and_trusts_only_one_with_tls() -> None:
    paths = ["/oauth/token", "/.well-known/jwks.json", "/.well-known/openid-configuration"]

    result = run_in_production(DESCRIBE, "/timesheets/upload", *paths)

    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["served"] == ["/timesheets/upload"]
    assert "timesheets.views.uploads" in found["names"]
    assert not [name for name in found["names"] if "devissuer" in name.lower()]
    assert found["issuer"] == "https://example.eu.auth0.com/"
    assert found["jwks_url"] == "https://example.eu.auth0.com/.well-known/jwks.json"


def test_production_with_the_app_added_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "settings_with_the_issuer.py").write_text(
        "from timesheets_site.settings_production import *\n"
        "INSTALLED_APPS = [*INSTALLED_APPS, 'timesheets_site.devissuer']\n"
    )

    result = run_in_production(
        "import django; django.setup()",
        DJANGO_SETTINGS_MODULE="settings_with_the_issuer",
        PYTHONPATH=f"{REPOSITORY}{os.pathsep}{tmp_path}",
    )

    assert result.returncode == 1
    assert "with DEBUG only" in result.stderr
