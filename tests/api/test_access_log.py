"""Each request is one line of the log, which names the route and the verified caller, and nothing else."""

import json
import logging
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from tests.api.conftest import TUTORIAL_ENTRY, Upload, UploadMany
from tests.api.reading import Read
from tests.kit.issuer import Issuer
from timesheets.logs import JSONFormatter


def respond(_request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


urlpatterns = [
    *(path(route, respond, {"status": 200}) for route in ("healthz", "readyz", "metrics", "elsewhere")),
    path("failing/", include([path("readyz", respond, {"status": 503})])),
    path("", include("timesheets.urls")),
]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def read_access_lines(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [JSONFormatter().format(record) for record in log.records if record.name == "timesheets.access"]
    return [json.loads(line) for line in lines]


def test_an_upload_is_two_lines(upload: Upload, issuer: Issuer, log: pytest.LogCaptureFixture) -> None:
    response = upload(token=issuer.mint(jti="7"))

    assert [record.name for record in log.records] == ["timesheets.entries", "timesheets.access"]
    assert log.messages[0] == json.dumps({"id": response.json()["id"], **TUTORIAL_ENTRY})
    [line] = read_access_lines(log)
    assert line.pop("time").endswith("+00:00")
    assert line.pop("duration_ms") >= 0
    assert line == {
        "level": "INFO",
        "logger": "timesheets.access",
        "request_id": response.headers["X-Request-ID"],
        "message": 'POST "timesheets/upload" 201 client="payroll"',
        "method": "POST",
        "route": "timesheets/upload",
        "status": 201,
        "code": None,
        "client": "payroll",
        "subject": "payroll@clients",
        "token_id": "7",
    }


def test_a_batch_has_its_counts(upload_many: UploadMany, log: pytest.LogCaptureFixture) -> None:
    upload_many([TUTORIAL_ENTRY, {**TUTORIAL_ENTRY, "hours": 25}])

    [record] = [record for record in log.records if record.name == "timesheets.entries"]
    line = json.loads(JSONFormatter().format(record))
    assert (line["received"], line["created"], line["rejected"]) == (2, 1, 1)


def test_a_route_has_no_id_and_no_query(read: Read, log: pytest.LogCaptureFixture) -> None:
    read("/timesheets/4711?page_size=4712")

    [line] = read_access_lines(log)
    assert (line["route"], line["status"]) == ("timesheets/<timesheet_id:timesheet_id>", 400)
    assert "471" not in json.dumps({**line, "time": "", "duration_ms": 0})


@pytest.mark.parametrize(
    ("given", "status", "code", "caller"),
    [
        ({"token": None}, 401, "not_authenticated", None),
        ({"claims": {"aud": "other"}}, 401, "invalid_token", None),
        ({"claims": {"scope": "other"}}, 403, "insufficient_scope", "payroll"),
        ({"body": {}}, 422, "invalid_entry", "payroll"),
        ({"path": "/nowhere"}, 404, "not_found", None),
        ({"headers": {"Host": "x.example"}}, 400, "bad_request", None),
    ],
)
def test_a_refusal_has_its_code(
    upload: Upload,
    issuer: Issuer,
    log: pytest.LogCaptureFixture,
    given: Any,
    status: int,
    code: str,
    caller: Any,
) -> None:
    given = dict(given)
    if "claims" in given:
        given["token"] = issuer.mint(**given.pop("claims"))

    for accept in ("*/*", "text/html, */*;q=0.5"):
        upload(**{**given, "headers": {"Accept": accept, **given.get("headers", {})}})

    expected = ("WARNING", status, code, caller)
    lines = [(line["level"], line["status"], line["code"], line["client"]) for line in read_access_lines(log)]
    assert lines == [expected] * 2


@pytest.mark.parametrize(
    "method", ["BREW", pytest.param("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.AAAA", id="a token")]
)
def test_an_odd_method_is_not_repeated(client: Client, log: pytest.LogCaptureFixture, method: str) -> None:
    client.generic(method, "/nowhere")

    assert [line["method"] for line in read_access_lines(log)] == ["other"]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_successful_probe_is_not_logged(client: Client, log: pytest.LogCaptureFixture, path: str) -> None:
    assert client.get(path).status_code == 200

    assert log.records == []


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("path", "level"), [("/failing/readyz", "ERROR"), ("/elsewhere", "INFO"), ("/healthz/", "WARNING")]
)
def test_all_else_is_logged(client: Client, log: pytest.LogCaptureFixture, path: str, level: str) -> None:
    client.get(path)

    assert [line["level"] for line in read_access_lines(log)] == [level]
