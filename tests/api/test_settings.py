"""Development needs no variable. Production names all that are missing."""

import os
from pathlib import Path

import pytest

from tests.kit.processes import PRODUCTION_VARIABLES, link_manage_py, run_python

WSGI = "import timesheets_site.wsgi"


def production(**changes: str | None) -> dict[str, str]:
    return {name: value for name, value in {**PRODUCTION_VARIABLES, **changes}.items() if value is not None}


def test_development_needs_no_variable(tmp_path: Path) -> None:
    result = run_python(link_manage_py(tmp_path), "check")

    assert (result.returncode, result.stderr) == (0, "")


def test_production_names_all_missing_variables_at_once(tmp_path: Path) -> None:
    result = run_python(
        link_manage_py(tmp_path),
        "check",
        DJANGO_SETTINGS_MODULE="timesheets_site.settings_production",
        DATABASE_URL_FILE=str(tmp_path / "missing"),
        TIMESHEETS_BEHIND_PROXY="perhaps",
    )

    assert result.returncode == 78
    assert result.stderr.splitlines() == [
        "The environment is not complete:",
        "  DJANGO_SECRET_KEY: Environment variable not set.",
        "  DATABASE_URL_FILE: This file cannot be read (FileNotFoundError).",
        "  TIMESHEETS_ALLOWED_HOSTS: Environment variable not set.",
        "  TIMESHEETS_PUBLIC_URL: Environment variable not set.",
        "  AUTH0_DOMAIN or OAUTH_ISSUER: Set one of them.",
        "  AUTH0_AUDIENCE: Environment variable not set.",
        "  TIMESHEETS_BEHIND_PROXY: Not a valid boolean.",
    ]


def test_an_empty_variable_counts_as_missing(tmp_path: Path) -> None:
    result = run_python(link_manage_py(tmp_path), "check", **production(AUTH0_AUDIENCE=""))

    assert result.returncode == 78
    assert "  AUTH0_AUDIENCE: Environment variable not set." in result.stderr


@pytest.mark.parametrize("settings", ["timesheets_site.settings", "timesheets_site.settings_production"])
@pytest.mark.parametrize("url", ["somewhere", "postgres//host/name", "postgres://user:hidden/word@host/name"])
def test_a_malformed_database_url_is_named_and_not_shown(tmp_path: Path, url: str, settings: str) -> None:
    variables = production(DATABASE_URL=url, DJANGO_SETTINGS_MODULE=settings)

    result = run_python(link_manage_py(tmp_path), "check", **variables)

    assert result.returncode == 78
    assert "  DATABASE_URL: Write postgres://user:password@host/name or sqlite:////path" in result.stderr
    assert url not in result.stderr
    assert "Traceback" not in result.stderr


def test_secrets_can_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"] + "\n")
    (tmp_path / "url").write_text(PRODUCTION_VARIABLES["DATABASE_URL"] + "\n")
    variables = production(
        DJANGO_SECRET_KEY=None,
        DATABASE_URL=None,
        DJANGO_SECRET_KEY_FILE=str(tmp_path / "key"),
        DATABASE_URL_FILE=str(tmp_path / "url"),
    )

    result = run_python(
        "-c",
        f"{WSGI}\nfrom django.conf import settings\n"
        "print(settings.DATABASES['default']['NAME'], len(settings.SECRET_KEY))",
        **variables,
    )

    assert result.stdout.split() == ["timesheets", str(len(PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"]))]


def test_production_passes_the_deploy_check(tmp_path: Path) -> None:
    result = run_python(
        link_manage_py(tmp_path), "check", "--deploy", "--fail-level", "WARNING", **production()
    )

    assert result.returncode == 0, result.stderr


def test_production_starts_only_if_the_checks_pass() -> None:
    result = run_python("-c", WSGI, **production(AUTH0_DOMAIN="https://example.eu.auth0.com/"))

    assert result.returncode != 0
    assert "timesheets.E001" in result.stderr


def test_production_starts_without_issuer_and_database(tmp_path: Path) -> None:
    result = run_python("-c", WSGI, **production())

    assert result.returncode == 0, result.stderr


def test_production_responds_over_tls_only(tmp_path: Path) -> None:
    code = f"""{WSGI}
from django.test import Client
host = {{"Host": "timesheets.example.com"}}
print(Client(headers=host).post("/timesheets/upload").status_code)
print(Client(headers=host).post("/timesheets/upload", headers={{"X-Forwarded-Proto": "https"}}).status_code)
"""

    direct = run_python("-c", code, **production())
    proxied = run_python("-c", code, **production(TIMESHEETS_BEHIND_PROXY="true"))

    assert direct.stdout.split() == ["301", "301"]
    assert proxied.stdout.split() == ["301", "401"]


def test_production_without_people_has_no_sessions_and_no_forms(tmp_path: Path) -> None:
    code = f"""{WSGI}
from django.conf import settings
from django.test import Client
print(*(name for name in settings.MIDDLEWARE if "session" in name or "forms" in name or "csrf" in name))
client = Client(headers={{"Host": "timesheets.example.com", "X-Forwarded-Proto": "https"}})
print(*(client.get(path).status_code for path in ("/", "/docs", "/sign-in", "/nowhere", "/timesheets")))
print(*(client.post(path, {{"token": "x"}}).status_code for path in ("/", "/sign-in", "/timesheets/upload")))
"""

    result = run_python("-c", code, **production(TIMESHEETS_BEHIND_PROXY="true"))

    assert result.stdout.splitlines() == ["", "200 200 404 404 401", "405 404 401"], result.stderr


@pytest.mark.parametrize(("variable", "status"), [("false", "404"), ("true", "200")])
def test_production_has_browser_sign_in_only_if_it_is_enabled(variable: str, status: str) -> None:
    code = f"""{WSGI}
from django.test import Client
from timesheets.views.uploads import UploadView
client = Client(headers={{"Host": "timesheets.example.com", "X-Forwarded-Proto": "https"}})
response = client.get("/sign-in")
print(response.status_code, *(item.key for item in response.cookies.values() if item["secure"]))
print(len(UploadView.authentication_classes), len(UploadView.renderer_classes))
"""

    result = run_python(
        "-c", code, **production(TIMESHEETS_BEHIND_PROXY="true", TIMESHEETS_BROWSER_SIGN_IN=variable)
    )

    is_on = variable == "true"
    cookies, classes = (["__Host-csrftoken"], "2") if is_on else ([], "1")
    assert result.stdout.split() == [status, *cookies, classes, classes], result.stderr


@pytest.mark.parametrize(("rate", "count"), [("", "0"), ("600/min", "1")])
def test_production_counts_requests_only_with_a_throttle(rate: str, count: str) -> None:
    code = f"{WSGI}; from timesheets.views.uploads import UploadView; print(len(UploadView.throttle_classes))"

    result = run_python("-c", code, **production(TIMESHEETS_THROTTLE=rate))

    assert result.stdout.split() == [count], result.stderr


def test_the_client_needs_no_api_variables_under_production_settings(tmp_path: Path) -> None:
    result = run_python(
        link_manage_py(tmp_path),
        "upload_timesheet",
        "--retries=0",
        DJANGO_SETTINGS_MODULE="timesheets_site.settings_production",
        OAUTH_TOKEN_URL="http://127.0.0.1:1/token",
        AUTH0_AUDIENCE="https://timesheets.example.com",
        AUTH0_CLIENT_ID="payroll",
        AUTH0_CLIENT_SECRET="secret",
        TIMESHEETS_API_URL="http://127.0.0.1:1",
        TIMESHEETS_STATE_DIR=str(tmp_path),
    )

    assert result.returncode == 75
    assert result.stderr.startswith("no token from the issuer: http://127.0.0.1:1/token: no connection.")


def test_the_client_never_uses_the_development_issuer_under_production_settings(tmp_path: Path) -> None:
    result = run_python(
        link_manage_py(tmp_path),
        "upload_timesheet",
        DJANGO_SETTINGS_MODULE="timesheets_site.settings_production",
    )

    assert result.returncode == 78
    assert "AUTH0_CLIENT_SECRET: not set" in result.stderr
    assert "DATABASE_URL" not in result.stderr


def test_real_variables_override_the_env_file_next_to_manage_py(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TIMESHEETS_DEV_PORT=8123\nTIMESHEETS_TIME_ZONE=Europe/Berlin\n")

    result = run_python(
        link_manage_py(tmp_path),
        "shell",
        "-v",
        "0",
        "-c",
        "from django.conf import settings as s; print(s.OAUTH['ISSUER'], s.TIMESHEETS_TIME_ZONE)",
        TIMESHEETS_TIME_ZONE="Asia/Tokyo",
    )

    assert result.stdout.split() == ["http://127.0.0.1:8123/", "Asia/Tokyo"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_an_env_file_with_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("AUTH0_CLIENT_SECRET=hidden-secret\n")
    env_file.chmod(0o640)

    result = run_python(link_manage_py(tmp_path), "check")

    assert result.returncode == 78
    assert "AUTH0_CLIENT_SECRET" in result.stderr
    assert f"chmod 600 {env_file}" in result.stderr
    assert "hidden-secret" not in result.stderr


def test_an_env_file_that_only_its_owner_can_read_is_accepted(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("AUTH0_CLIENT_SECRET=hidden-secret\n")
    env_file.chmod(0o600)

    assert run_python(link_manage_py(tmp_path), "check").returncode == 0


def test_an_audience_is_required_with_a_tenant(tmp_path: Path) -> None:
    result = run_python(link_manage_py(tmp_path), "check", AUTH0_DOMAIN="example.eu.auth0.com")

    assert result.returncode != 0
    assert "timesheets.E003" in result.stderr
