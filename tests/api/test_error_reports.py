"""Django's error pages and mails show where a bug is, and no secret."""

import json
import os
import secrets
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from tests.kit.issuer import Issuer
from tests.kit.processes import PRODUCTION_VARIABLES, run_python
from tests.kit.settings import load_production

# Random, because a report quotes this source file.
MARKER = secrets.token_hex(6)


def fail(request: HttpRequest) -> HttpResponse:
    secret_of_this_frame = MARKER
    raise RuntimeError(f"a bug with {len(secret_of_this_frame)} characters")


def repeat(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"a bug with {request.GET['text']}")


urlpatterns = [path("fail", fail), path("repeat", repeat)]


@pytest.fixture
def developer(settings: Any) -> Client:
    """A client that gets Django's debug page."""
    settings.DEBUG = True
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False, headers={"Accept": "text/html"})


def test_a_report_says_where_the_bug_is_and_shows_no_values(developer: Client, settings: Any) -> None:
    settings.CACHES = {"default": {"LOCATION": f"redis://:{MARKER}@127.0.0.1/"}}

    response = developer.post("/fail", {"token": MARKER, "client_secret": MARKER})

    page = response.content.decode()
    assert response.status_code == 500
    assert "a bug with 12 characters" in page
    assert "test_error_reports.py" in page
    # The source line, and a setting.
    assert "secret_of_this_frame" in page
    assert "timesheets.middleware.ProblemMiddleware" in page
    # Not a variable, a form value or a setting that may be a secret.
    assert MARKER not in page


def test_a_report_shows_no_environment_variables(developer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # The development server copies its environment variables into every request.
    monkeypatch.setenv("DATABASE_URL", f"postgres://timesheets:{MARKER}@127.0.0.1/timesheets")

    page = developer.get("/fail", DATABASE_URL=os.environ["DATABASE_URL"]).content.decode()

    assert "postgres://timesheets" not in page
    assert "REQUEST_METHOD" in page


@pytest.mark.parametrize("address", ["/fail?access_token={}", "/fail?text={}", "/repeat?text={}"])
@pytest.mark.parametrize("header", ["Referer", "Cookie", "X-Token"])
def test_a_report_shows_no_token(developer: Client, issuer: Issuer, address: str, header: str) -> None:
    token = issuer.mint()

    response = developer.get(address.format(token), headers={header: f"https://example.com/?a={token}"})

    assert response.status_code == 500
    assert all(part not in response.content.decode() for part in token.split("."))


REPORTS = """import django; django.setup()
import json, sys
from django.conf import settings
from django.db import connection
from django.test import RequestFactory
from django.views.debug import get_exception_reporter_class
settings.DEBUG = True
request = RequestFactory().get("/")
try:
    {bug}
except Exception:
    reporter = get_exception_reporter_class(request)(request, *sys.exc_info())
    print(json.dumps([reporter.get_traceback_html(), reporter.get_traceback_text()]))
"""


def report(bug: str, **variables: str) -> list[str]:
    """The page and the mail about `bug`, from a separate process."""
    result = run_python("-c", REPORTS.format(bug=bug), **variables)
    assert result.returncode == 0, result.stderr
    reports: list[str] = json.loads(result.stdout)
    return reports


def test_a_production_report_shows_no_database_password() -> None:
    bug = "connection.get_new_connection(connection.get_connection_params())"

    for text in report(bug, **PRODUCTION_VARIABLES):
        assert "psycopg" in text
        assert "hidden-password" not in text
        assert PRODUCTION_VARIABLES["DJANGO_SECRET_KEY"] not in text


def test_only_one_setting_has_the_database_password() -> None:
    loaded = load_production()

    assert [name for name, value in loaded.items() if "hidden-password" in repr(value)] == ["DATABASES"]


def test_a_development_report_shows_no_client_secrets() -> None:
    variables = {"DJANGO_SETTINGS_MODULE": "timesheets_site.settings"}

    for text in report("1 / 0", **variables):
        assert "ZeroDivisionError" in text
        assert "development-secret-of-" not in text
