"""Production cannot serve the development issuer. Each safeguard is tested alone."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

import timesheets_site.devissuer
from tests.kit.processes import PRODUCTION_VARIABLES, run_python
from timesheets_site.devissuer.apps import DevissuerConfig

PROJECT = Path(timesheets_site.__file__).parent.parent


def run_in_production(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a separate process with only production's variables."""
    return run_python("-c", f"import django; django.setup()\n{code}", **{**PRODUCTION_VARIABLES, **changes})


def find_python_files_outside_the_issuer() -> list[Path]:
    folders = [
        folder for folder in PROJECT.iterdir() if not folder.name.startswith(".") and folder.name != "tests"
    ]
    files = [file for folder in folders if folder.is_dir() for file in folder.rglob("*.py")]
    files += PROJECT.glob("*.py")
    return [file for file in files if "devissuer" not in file.relative_to(PROJECT).parts]


def test_the_app_refuses_to_start_without_debug(settings: Any) -> None:
    settings.DEBUG = False

    with pytest.raises(ImproperlyConfigured, match="DEBUG only"):
        DevissuerConfig("timesheets_site.devissuer", timesheets_site.devissuer).ready()


def test_the_app_starts_with_debug(settings: Any) -> None:
    settings.DEBUG = True

    DevissuerConfig("timesheets_site.devissuer", timesheets_site.devissuer).ready()


def test_the_test_settings_do_not_install_it() -> None:
    assert not apps.is_installed("timesheets_site.devissuer")


def test_only_the_development_settings_name_it() -> None:
    naming = [
        file.relative_to(PROJECT).as_posix()
        for file in find_python_files_outside_the_issuer()
        if "devissuer" in file.read_text(encoding="utf-8").lower()
    ]

    assert naming == ["timesheets_site/settings.py"]


def test_production_does_not_install_it() -> None:
    code = "from django.apps import apps; print([app.name for app in apps.get_app_configs()])"

    result = run_in_production(code)

    assert result.returncode == 0, result.stderr
    assert "timesheets" in result.stdout
    assert "devissuer" not in result.stdout


def test_production_never_imports_it() -> None:
    code = (
        "import sys; from django.urls import get_resolver; get_resolver().url_patterns\n"
        "print([name for name in sys.modules if 'devissuer' in name])"
    )

    result = run_in_production(code)

    assert (result.returncode, result.stdout) == (0, "[]\n"), result.stderr


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        pytest.param("/oauth/token", "not found", id="token"),
        pytest.param("/.well-known/jwks.json", "not found", id="keys"),
        pytest.param("/.well-known/openid-configuration", "not found", id="configuration"),
        pytest.param("/.well-known/oauth-authorization-server", "not found", id="metadata"),
        pytest.param("/timesheets/upload", "found", id="the API itself"),
    ],
)
def test_production_has_the_apis_urls_and_none_of_the_issuers(path: str, outcome: str) -> None:
    code = (
        "from django.urls import Resolver404, resolve\n"
        "try:\n"
        f"    resolve('{path}'); print('found')\n"
        "except Resolver404:\n"
        "    print('not found')"
    )

    result = run_in_production(code)

    assert (result.returncode, result.stdout) == (0, f"{outcome}\n"), result.stderr


def test_production_trusts_only_an_issuer_with_tls() -> None:
    code = (
        "from django.conf import settings\n"
        "print({name: getattr(settings, name) for name in dir(settings) if name.startswith('OAUTH')})"
    )

    result = run_in_production(code)

    assert "https://example.eu.auth0.com/'" in result.stdout, result.stderr
    assert "https://example.eu.auth0.com/.well-known/jwks.json'" in result.stdout
    assert "http://" not in result.stdout


def test_production_has_no_settings_of_the_development_issuer() -> None:
    code = "from django.conf import settings; print([n for n in dir(settings) if 'DEVISSUER' in n])"

    result = run_in_production(code)

    assert (result.returncode, result.stdout) == (0, "[]\n"), result.stderr


def test_production_with_the_app_added_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "settings_with_the_issuer.py").write_text(
        "from timesheets_site.settings_production import *\n"
        "INSTALLED_APPS = [*INSTALLED_APPS, 'timesheets_site.devissuer']\n"
    )

    result = run_in_production(
        "print('started')",
        DJANGO_SETTINGS_MODULE="settings_with_the_issuer",
        PYTHONPATH=f"{PROJECT}{os.pathsep}{tmp_path}",
    )

    assert (result.returncode, result.stdout) == (1, "")
    assert "with DEBUG only" in result.stderr
