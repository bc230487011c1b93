"""Development needs no variable. Production names all that are missing."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import WARNING, CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from manage import choose_settings, read_env_file
from tests.kit.processes import PRODUCTION_VARIABLES, link_manage_py, run_python
from tests.kit.settings import load_production, load_settings, use_settings
from timesheets_site import settings_base

WSGI = "import timesheets_site.wsgi"
HOST = "timesheets.example.com"


def production(**changes: str | None) -> dict[str, str]:
    return {name: value for name, value in {**PRODUCTION_VARIABLES, **changes}.items() if value is not None}


def find_warnings(*, is_deployment: bool = True) -> list[CheckMessage]:
    found = run_checks(include_deployment_checks=is_deployment)
    # The tables of the admin are in this process, so it is installed even where production does without.
    of_this_process = ("admin.", "auth.")
    return [
        each
        for each in found
        if each.level >= WARNING and not each.is_silenced() and not str(each.id).startswith(of_this_process)
    ]


def test_development_needs_no_variable(tmp_path: Path) -> None:
    result = run_python(link_manage_py(tmp_path), "check")

    assert (result.returncode, result.stderr) == (0, "")


def test_production_names_all_missing_variables_at_once(tmp_path: Path) -> None:
    result = run_python(
        link_manage_py(tmp_path),
        "check",
        DJANGO_SETTINGS_MODULE="timesheets_site.settings_production",
        TIMESHEETS_BEHIND_PROXY="perhaps",
    )

    assert result.returncode == 78
    assert result.stderr.splitlines() == [
        "The environment is not complete:",
        "  DJANGO_SECRET_KEY: Environment variable not set.",
        "  DATABASE_URL: Environment variable not set.",
        "  TIMESHEETS_ALLOWED_HOSTS: Environment variable not set.",
        "  TIMESHEETS_PUBLIC_URL: Environment variable not set.",
        "  AUTH0_DOMAIN or OAUTH_ISSUER: Set one of them.",
        "  AUTH0_AUDIENCE: Environment variable not set.",
        "  TIMESHEETS_BEHIND_PROXY: Not a valid boolean.",
    ]


def test_an_empty_variable_counts_as_missing() -> None:
    with pytest.raises(ImproperlyConfigured, match="  AUTH0_AUDIENCE: Environment variable not set"):
        load_production(AUTH0_AUDIENCE="")


@pytest.mark.parametrize("module", ["timesheets_site.settings", "timesheets_site.settings_production"])
@pytest.mark.parametrize("url", ["somewhere", "postgres//host/name", "postgres://user:hidden/word@host/name"])
def test_a_malformed_database_url_is_named_and_not_shown(url: str, module: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        load_settings(module, **{**PRODUCTION_VARIABLES, "DATABASE_URL": url})

    assert "DATABASE_URL: Write postgres://user:password@host/name or sqlite:////path" in str(caught.value)
    assert url not in str(caught.value)


def test_secrets_can_come_from_files(tmp_path: Path) -> None:
    key, url = (tmp_path / name for name in ("key", "url"))
    key.write_text(PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"] + "\n")
    url.write_text(PRODUCTION_VARIABLES["DATABASE_URL"] + "\n")

    loaded = load_production(
        DJANGO_SECRET_KEY=None, DATABASE_URL=None, DJANGO_SECRET_KEY_FILE=str(key), DATABASE_URL_FILE=str(url)
    )

    assert loaded["DATABASES"]["default"]["NAME"] == "timesheets"
    assert loaded["SECRET_KEY"] == PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL_FILE: This file cannot be read"):
        load_production(DATABASE_URL=None, DATABASE_URL_FILE=str(tmp_path))


def test_production_passes_the_deploy_check(settings: Any) -> None:
    use_settings(settings, load_production())

    assert find_warnings() == []


def test_production_starts_only_if_the_checks_pass() -> None:
    result = run_python("-c", WSGI, **production(AUTH0_DOMAIN="https://example.eu.auth0.com/"))

    assert result.returncode != 0
    assert "timesheets.E001" in result.stderr


@pytest.mark.parametrize(("is_proxied", "statuses"), [("false", [301, 301]), ("true", [301, 401])])
def test_production_responds_over_tls_only(settings: Any, is_proxied: str, statuses: list[int]) -> None:
    use_settings(settings, load_production(TIMESHEETS_BEHIND_PROXY=is_proxied))
    client = Client(headers={"Host": HOST})

    direct = client.post("/timesheets/upload")
    through_proxy = client.post("/timesheets/upload", headers={"X-Forwarded-Proto": "https"})

    assert [direct.status_code, through_proxy.status_code] == statuses


def test_production_starts_without_issuer_database_people_and_admin() -> None:
    code = f"""{WSGI}
from django.conf import settings
from django.test import Client
from timesheets.views.uploads import UploadView
print(*(name for name in settings.MIDDLEWARE if "session" in name or "forms" in name or "csrf" in name))
client = Client(headers={{"Host": "{HOST}", "X-Forwarded-Proto": "https"}})
print(*(client.get(path).status_code for path in ("/", "/docs", "/sign-in", "/admin/", "/timesheets")))
print(*(client.post(path, {{"token": "x"}}).status_code for path in ("/", "/sign-in", "/timesheets/upload")))
view = UploadView
print(len(view.authentication_classes), len(view.renderer_classes), len(view.throttle_classes))
"""

    result = run_python("-c", code, **production(TIMESHEETS_BEHIND_PROXY="true"))

    assert result.stdout.splitlines() == ["", "200 200 404 404 401", "405 404 401", "1 1 0"], result.stderr


def test_production_starts_with_everything_that_can_be_turned_on() -> None:
    code = f"""{WSGI}
from django.test import Client
from timesheets.views.uploads import UploadView
client = Client(headers={{"Host": "{HOST}", "X-Forwarded-Proto": "https"}})
response = client.get("/sign-in")
print(response.status_code, *(item.key for item in response.cookies.values() if item["secure"]))
print(client.get("/admin/").status_code)
view = UploadView
print(len(view.authentication_classes), len(view.renderer_classes), len(view.throttle_classes))
"""
    names = ("TIMESHEETS_BEHIND_PROXY", "TIMESHEETS_BROWSER_SIGN_IN", "TIMESHEETS_ADMIN")

    result = run_python(
        "-c", code, **production(TIMESHEETS_THROTTLE="600/min", **dict.fromkeys(names, "true"))
    )

    assert result.stdout.splitlines() == ["200 __Host-csrftoken", "302", "2 2 1"], result.stderr


@pytest.mark.parametrize(
    ("issuer", "audience_parameter"),
    [
        ({}, "audience"),
        ({"AUTH0_DOMAIN": None, "OAUTH_ISSUER": "https://issuer.example/"}, "resource"),
        ({"OAUTH_AUDIENCE_PARAMETER": "none"}, "none"),
    ],
)
def test_variables_describe_the_web_client(
    tmp_path: Path, issuer: dict[str, str | None], audience_parameter: str
) -> None:
    (tmp_path / "secret").write_text("from a file\n")

    oauth = load_production(
        OAUTH_WEB_CLIENT_ID="pages",
        OAUTH_WEB_CLIENT_SECRET_FILE=str(tmp_path / "secret"),
        OAUTH_WEB_SCOPES="batch:upload, read:timesheets openid2",
        **issuer,
    )["OAUTH"]

    assert (oauth["WEB_CLIENT_ID"], oauth["WEB_CLIENT_SECRET"]) == ("pages", "from a file")
    assert oauth["WEB_SCOPES"] == ["batch:upload", "read:timesheets", "openid2"]
    assert oauth["AUDIENCE_PARAMETER"] == audience_parameter


def test_the_client_needs_no_api_variables_under_production_settings(tmp_path: Path) -> None:
    variables = {
        "DJANGO_SETTINGS_MODULE": "timesheets_site.settings_production",
        "OAUTH_TOKEN_URL": "http://127.0.0.1:1/token",
        "AUTH0_AUDIENCE": "https://timesheets.example.com",
        "AUTH0_CLIENT_ID": "payroll",
        "AUTH0_CLIENT_SECRET": "secret",
        "TIMESHEETS_API_URL": "http://127.0.0.1:1",
        "TIMESHEETS_STATE_DIR": str(tmp_path),
    }

    result = run_python(link_manage_py(tmp_path), "upload_timesheet", "--example", "--retries=0", **variables)

    assert result.returncode == 75
    assert result.stderr.startswith("http://127.0.0.1:1/token: no connection.")


PRODUCTION = "timesheets_site.settings_production"


@pytest.mark.parametrize(
    ("module", "command", "chosen"),
    [
        ("", "upload_timesheet", "timesheets_site.settings"),
        (PRODUCTION, "upload_timesheet", "timesheets_site.settings_base"),
        (PRODUCTION, "serve", PRODUCTION),
    ],
)
def test_the_client_uses_the_development_issuer_in_development_only(
    monkeypatch: pytest.MonkeyPatch, module: str, command: str, chosen: str
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", module)

    assert choose_settings([command]) == chosen
    assert not hasattr(settings_base, "UPLOADER_DEVELOPMENT_VARIABLES")


def test_real_variables_override_the_env_file_next_to_manage_py(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TIMESHEETS_DEV_PORT=8123\nTIMESHEETS_TIME_ZONE=Europe/Berlin\n")
    code = "from django.conf import settings as s; print(s.OAUTH['ISSUER'], s.TIMESHEETS_TIME_ZONE)"
    shell = (link_manage_py(tmp_path), "shell", "-v", "0", "-c", code)

    result = run_python(*shell, TIMESHEETS_TIME_ZONE="Asia/Tokyo")

    assert result.stdout.split() == ["http://127.0.0.1:8123/", "Asia/Tokyo"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_an_env_file_with_a_secret_is_only_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Restored after the test.
    monkeypatch.setenv("AUTH0_CLIENT_SECRET", "")
    monkeypatch.delenv("AUTH0_CLIENT_SECRET")
    env_file = tmp_path / ".env"
    env_file.write_text("AUTH0_CLIENT_SECRET=hidden-secret\n")
    env_file.chmod(0o640)

    with pytest.raises(SystemExit) as ended:
        read_env_file(env_file)

    error = capsys.readouterr().err
    assert ended.value.code == 78
    assert "AUTH0_CLIENT_SECRET" in error
    assert f"chmod 600 {env_file}" in error
    assert "hidden-secret" not in error
    env_file.chmod(0o600)
    read_env_file(env_file)
    assert os.environ["AUTH0_CLIENT_SECRET"] == "hidden-secret"


def test_an_audience_is_required_with_a_tenant(settings: Any) -> None:
    settings.OAUTH = load_settings("timesheets_site.settings", AUTH0_DOMAIN="example.eu.auth0.com")["OAUTH"]

    assert [each.id for each in find_warnings(is_deployment=False)] == ["timesheets.E003"]
