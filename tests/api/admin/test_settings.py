"""Which environment has the admin, and how safe it is there."""

from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.checks import WARNING, run_checks
from django.core.exceptions import ValidationError

from tests.kit.settings import load_production, load_settings, use_settings

NEEDED = ["AuthenticationMiddleware", "MessageMiddleware"]


def name_apps(loaded: dict[str, Any]) -> list[str]:
    names = [name.split(".")[2] for name in loaded["INSTALLED_APPS"] if name.startswith("django.")]
    return sorted(names)


def name_middleware(loaded: dict[str, Any]) -> list[str]:
    return [name.rpartition(".")[2] for name in loaded["MIDDLEWARE"] if name.endswith(tuple(NEEDED))]


@pytest.mark.parametrize("value", [None, "false"])
def test_production_has_no_admin_and_no_accounts(value: str | None) -> None:
    loaded = load_production(TIMESHEETS_ADMIN=value)

    assert (name_apps(loaded), name_middleware(loaded)) == (["sessions", "staticfiles"], [])


@pytest.mark.parametrize(
    "loaded",
    [
        pytest.param(load_production(TIMESHEETS_ADMIN="true"), id="production-if-enabled"),
        pytest.param(load_settings("timesheets_site.settings"), id="development"),
    ],
)
def test_an_environment_has_the_admin_and_what_it_needs(loaded: dict[str, Any]) -> None:
    apps = ["admin", "auth", "contenttypes", "messages", "sessions", "staticfiles"]
    assert (name_apps(loaded), name_middleware(loaded)) == (apps, NEEDED)


def test_production_with_the_admin_passes_the_deploy_check(settings: Any) -> None:
    use_settings(settings, load_production(TIMESHEETS_ADMIN="true"))

    found = run_checks(include_deployment_checks=True)

    assert [str(each) for each in found if each.level >= WARNING and not each.is_silenced()] == []


def test_weak_passwords_are_refused() -> None:
    with pytest.raises(ValidationError, match="too common"):
        validate_password("password")
