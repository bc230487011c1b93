"""A browser that opens the address of uploads gets a form, and a program that reads there gets 405."""

import pytest
from django.test import Client

from tests.kit.issuer import Issuer

pytestmark = pytest.mark.django_db

PATH = "/timesheets/upload"
# As browsers send it.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def ask(issuer: Issuer, accept: str = BROWSER) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.mint()}", "Accept": accept}


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_gets_a_page_and_the_log_no_warning(
    client: Client, issuer: Issuer, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    response = client.generic(method, PATH, headers=ask(issuer))

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize(("scope", "status"), [(None, 401), ("read:timesheets", 403)])
def test_a_browser_that_may_not_upload_gets_the_status_of_a_program(
    client: Client, issuer: Issuer, scope: str | None, status: int
) -> None:
    authorization = {"Authorization": f"Bearer {issuer.mint(scope=scope)}"} if scope else {}

    response = client.get(PATH, headers={**authorization, "Accept": BROWSER})

    assert response.status_code == status
    assert "From a program" in response.content.decode()


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9"])
def test_a_program_gets_405(client: Client, issuer: Issuer, method: str, accept: str) -> None:
    response = client.generic(method, PATH, headers=ask(issuer, accept))

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"
    assert response.headers["Content-Type"] == "application/problem+json"


def test_without_pages_for_people_a_browser_gets_405(client: Client, issuer: Issuer) -> None:
    response = client.get(PATH, headers=ask(issuer))

    assert response.status_code == 405
    assert "upload-file" not in response.content.decode()


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_the_allowed_methods_are_those_of_a_program(client: Client, issuer: Issuer, accept: str) -> None:
    response = client.options(PATH, headers=ask(issuer, accept))

    assert (response.status_code, response.headers["Allow"]) == (200, "POST, OPTIONS")
