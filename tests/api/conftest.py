"""Call the API inside this process, and read its responses."""

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from tests.api.formats import ARRAY, Format
from tests.api.pages import Open
from tests.api.reading import RECEIVED_AT, Read
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from timesheets.authentication import get_issuer_keys
from timesheets.browser import pages
from timesheets.browser.pages import PageRenderer
from timesheets.browser.sessions import SessionAuthentication
from timesheets.storage import client_policies
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient
from timesheets.views.assignments import AssignmentView, MissingView
from timesheets.views.downloads import TimesheetDownloadView, TotalsDownloadView
from timesheets.views.overview import ClientListView, CorrectionListView
from timesheets.views.receipts import ReceiptListView, ReceiptView, RejectionListView
from timesheets.views.runs import RunLineListView, RunListView, RunView
from timesheets.views.timesheets import TimesheetListView, TimesheetView
from timesheets.views.totals import TotalsView
from timesheets.views.uploads import UploadView
from timesheets.views.weeks import WeekView

TUTORIAL_ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero", "hours": 5}

Upload = Callable[..., ClientResponse]
UploadMany = Callable[..., ClientResponse]


def make_entry(**members: Any) -> dict[str, Any]:
    return {**TUTORIAL_ENTRY, **members}


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--all"):
        # Read when the property tests are imported.
        os.environ.setdefault("API_EXAMPLES", "500")


@pytest.fixture(autouse=True)
def fresh_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what operators decided for each request: what the test before stored may be two seconds old."""
    monkeypatch.setattr(client_policies, "MAX_AGE_SECONDS", -1.0)


@pytest.fixture
def upload(issuer: Issuer, client: Client, db: None) -> Upload:
    """Post an entry, or raw bytes, with a good token or with the given one."""

    def post(
        body: Any = TUTORIAL_ENTRY,
        *,
        token: str | None = "good",
        path: str = "/timesheets/upload",
        **more: Any,
    ) -> ClientResponse:
        content_type = more.pop("content_type", "application/json")
        headers = more.pop("headers", {})
        if token is not None:
            bearer = issuer.mint() if token == "good" else token
            headers = {"Authorization": f"Bearer {bearer}", **headers}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(path, raw, content_type=content_type, headers=headers, **more)

    return post


@pytest.fixture
def upload_many(upload: Upload) -> UploadMany:
    """Post entries in a format, with a query string."""

    def post(
        entries: Sequence[Any], batch_format: Format = ARRAY, query: str = "", **more: Any
    ) -> ClientResponse:
        path = f"/timesheets/upload{query}"
        return upload(batch_format.write(entries), path=path, content_type=batch_format.media_type, **more)

    return post


@pytest.fixture
def correct(upload: Upload, issuer: Issuer) -> Upload:
    """Like `upload`, with a token that may also correct."""
    return partial(upload, token=issuer.mint(scope="batch:upload correct:timesheets"))


@pytest.fixture
def correct_many(upload_many: UploadMany, issuer: Issuer) -> UploadMany:
    """Like `upload_many`, with a token that may also correct."""
    return partial(upload_many, token=issuer.mint(scope="batch:upload correct:timesheets"))


@pytest.fixture
def read(issuer: Issuer, client: Client, db: None) -> Read:
    """Request a path with a token that may read, or with the given token."""

    def get(
        path: str = "/timesheets", *, token: str | None = "good", method: str = "GET", **headers: str
    ) -> ClientResponse:
        if token is not None:
            bearer = issuer.mint(scope="read:timesheets") if token == "good" else token
            headers["Authorization"] = f"Bearer {bearer}"
        return client.generic(method, path, headers=headers)

    return get


@pytest.fixture
def with_pages(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let people use the API in a browser."""
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    # Pages remember names for a minute, but tests have other ones.
    pages._read_names.cache_clear()  # noqa: SLF001
    lists = (
        *(TimesheetListView, TimesheetView, TimesheetDownloadView, ReceiptListView, ReceiptView),
        RejectionListView,
        RunListView,
        RunView,
        RunLineListView,
    )
    reports = (ClientListView, CorrectionListView, MissingView, TotalsView, TotalsDownloadView, WeekView)
    for view in (*lists, *reports, AssignmentView, UploadView):
        # Views read these settings when they are imported.
        authentication = [*view.authentication_classes, SessionAuthentication]
        monkeypatch.setattr(view, "authentication_classes", authentication)
        monkeypatch.setattr(view, "renderer_classes", [*view.renderer_classes, PageRenderer])


@pytest.fixture
def show(issuer: Issuer, client: Client, with_pages: None, db: None) -> Open:
    """Request the page at a path with a token that may read, or with the given scope or client."""

    def get(path: str, accept: str = "text/html", **claims: Any) -> ClientResponse:
        token = issuer.mint(**{"scope": "read:timesheets", **claims})
        return client.get(path, headers={"Authorization": f"Bearer {token}", "Accept": accept})

    return get


@pytest.fixture
def store(issuer: Issuer, db: None) -> Callable[..., list[int]]:
    """Store entries for a client, by default the one that reads. Returns their ids."""

    def ingest(*entries: Entry, received_at: datetime = RECEIVED_AT, **client: Any) -> list[int]:
        stored_for = MachineClient(
            **{"issuer": issuer.url, "client_id": "payroll", "subject": "payroll@clients", **client}
        )
        return [verdict.timesheet_id for verdict in ingest_upload(stored_for, entries, received_at).verdicts]

    return ingest


@pytest.fixture
def fresh_issuer(settings: Any) -> Iterator[Issuer]:
    """An issuer of one test that the API trusts, but whose keys it has not fetched yet."""
    get_issuer_keys.cache_clear()
    issuer = Issuer(audience=settings.OAUTH["AUDIENCE"])
    settings.OAUTH = {**settings.OAUTH, "ISSUER": issuer.url, "JWKS_URL": issuer.jwks_url}
    yield issuer
    issuer.stop()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All records of all loggers."""
    # Its debug records quote every variable on a debug page, so production does not use them.
    caplog.set_level(logging.INFO, logger="django.template")
    caplog.set_level(logging.DEBUG)
    for name in {"urllib3", "http.client", *logging.root.manager.loggerDict} - {"django.template"}:
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def upload_lines(upload: Upload, body: bytes, **more: Any) -> ClientResponse:
    return upload(body, content_type="application/x-ndjson", **more)


def upload_rows(upload: Upload, body: bytes, **more: Any) -> ClientResponse:
    return upload(body, content_type="text/csv", **more)


def status_and_code(response: ClientResponse) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def read_statuses(response: ClientResponse) -> list[int]:
    assert response.status_code == HTTPStatus.MULTI_STATUS
    return [item["status"] for item in response.json()["entries"]]


def count(received: int, created: int, existing: int, rejected: int) -> dict[str, int]:
    """The counts of a report."""
    return {"received": received, "created": created, "existing": existing, "rejected": rejected}


def read_reasons(response: ClientResponse) -> dict[int, str]:
    """The reason for each malformed entry, by index."""
    assert response.status_code == HTTPStatus.MULTI_STATUS
    return {
        item["index"]: item["errors"]["non_field_errors"][0]
        for item in response.json()["entries"]
        if item["status"] == 422
    }
