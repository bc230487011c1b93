"""A browser that opens the address of uploads gets a form, and a program that reads there gets 405."""

from typing import Any

import pytest
from django.test import Client

from tests.kit.issuer import Issuer

PATH = "/timesheets/upload"
# As browsers send it.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_gets_a_page_and_the_log_no_warning(
    client: Client, issuer: Issuer, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint()}", "Accept": BROWSER}

    response = client.generic(method, PATH, headers=headers)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize(
    ("claims", "status"),
    [pytest.param(None, 401, id="nobody"), pytest.param({"scope": "read:timesheets"}, 403, id="no scope")],
)
def test_a_browser_that_may_not_upload_gets_the_status_of_a_program(
    client: Client, issuer: Issuer, claims: dict[str, Any] | None, status: int
) -> None:
    authorization = {} if claims is None else {"Authorization": f"Bearer {issuer.mint(**claims)}"}

    response = client.get(PATH, headers={**authorization, "Accept": BROWSER})

    assert response.status_code == status
    assert "From a program" in response.content.decode()


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9"])
def test_a_program_gets_405(client: Client, issuer: Issuer, method: str, accept: str) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint()}", "Accept": accept}

    response = client.generic(method, PATH, headers=headers)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"
    assert response.headers["Content-Type"] == "application/problem+json"


def test_without_pages_for_people_a_browser_gets_405(client: Client, issuer: Issuer) -> None:
    response = client.get(PATH, headers={"Authorization": f"Bearer {issuer.mint()}", "Accept": BROWSER})

    assert response.status_code == 405
    assert "upload-file" not in response.content.decode()


@pytest.mark.usefixtures("with_pages")
@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_the_allowed_methods_are_those_of_a_program(client: Client, issuer: Issuer, accept: str) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint()}", "Accept": accept}

    response = client.options(PATH, headers=headers)

    assert (response.status_code, response.headers["Allow"]) == (200, "POST, OPTIONS")
