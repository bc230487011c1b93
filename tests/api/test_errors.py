"""Every error has the same shape, and the API reports the first error in a fixed order."""

import io
import json
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from tests.api.conftest import TUTORIAL_ENTRY, Upload, status_and_code
from tests.kit.issuer import Issuer

PROBLEM = "application/problem+json"


class ForbiddenBody(io.BytesIO):
    """A body that must not be read."""

    def read(self, *args: object) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def call_wsgi(**environ: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Call the API like an HTTP server, with a minimal `environ`."""
    sent: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
        sent.extend([status, dict(headers)])

    response = WSGIHandler()(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/timesheets/upload",
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "CONTENT_TYPE": "application/json",
            **environ,
        },
        start_response,
    )
    status, headers = sent
    return status, headers, json.loads(b"".join(response))


def test_a_problem_has_the_members_of_rfc_9457(upload: Upload) -> None:
    response = upload({**TUTORIAL_ENTRY, "hours": 25})

    assert response.headers["Content-Type"] == PROBLEM
    assert response.json() == {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "The entry is not valid. Nothing was stored.",
        "code": "invalid_entry",
        "errors": {"hours": ["Ensure this value is less than or equal to 24."]},
        "request_id": response.headers["X-Request-ID"],
    }


UNSUPPORTED = (415, "unsupported_media_type")
TOKEN: dict[str, Any] = {"token": {}}
FORM, LATIN = "application/x-www-form-urlencoded", "application/json; charset=latin-1"
REFUSALS: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"PATH_INFO": "/nowhere"}, (404, "not_found")),
    ({"PATH_INFO": "/timesheets/upload/"}, (404, "not_found")),
    ({"HTTP_ACCEPT": "image/png"}, (406, "not_acceptable")),
    ({"HTTP_AUTHORIZATION": "Bearer a b"}, (400, "invalid_request")),
    ({}, (401, "not_authenticated")),
    ({"token": {"aud": "other"}}, (401, "invalid_token")),
    ({"token": {"scope": "other"}}, (403, "insufficient_scope")),
    *(({**TOKEN, "REQUEST_METHOD": method}, (405, "method_not_allowed")) for method in ("GET", "BREW")),
    *(({**TOKEN, "QUERY_STRING": each}, (400, "invalid_parameter")) for each in ("dry=1", "format=json")),
    ({**TOKEN, "HTTP_IDEMPOTENCY_KEY": "a b"}, (400, "invalid_idempotency_key")),
    *(({**TOKEN, "CONTENT_TYPE": media_type}, UNSUPPORTED) for media_type in ("", "text/xml", FORM, LATIN)),
    ({**TOKEN, "HTTP_CONTENT_ENCODING": "br"}, UNSUPPORTED),
    (TOKEN, (411, "length_required")),
    ({**TOKEN, "CONTENT_LENGTH": "8388609"}, (413, "too_large")),
]


@pytest.mark.parametrize(("environ", "expected"), REFUSALS)
def test_the_body_is_not_read_before_all_other_checks_pass(
    issuer: Issuer, db: None, environ: dict[str, Any], expected: tuple[int, str]
) -> None:
    environ = dict(environ)
    if "token" in environ:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {issuer.mint(**environ.pop('token'))}"

    status_line, headers, problem = call_wsgi(**{"wsgi.input": ForbiddenBody(), **environ})

    assert (int(status_line[:3]), problem["status"], problem["code"]) == (expected[0], *expected)
    assert headers["Content-Type"] == PROBLEM
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Request-ID"] == problem["request_id"]


# The faults of an upload and of a reading, in the order in which they are reported.
UPLOAD: list[tuple[dict[str, str], int]] = [
    ({"PATH_INFO": "/nowhere"}, 404),
    ({"HTTP_ACCEPT": "image/png"}, 406),
    ({"HTTP_AUTHORIZATION": "Bearer a b"}, 400),
    ({"scope": "other"}, 403),
    ({"REQUEST_METHOD": "PUT"}, 405),
    ({"QUERY_STRING": "dry=1"}, 400),
    ({"CONTENT_TYPE": "text/xml"}, 415),
    ({"CONTENT_LENGTH": ""}, 411),
    ({"CONTENT_LENGTH": "8388609"}, 413),
]
READING: list[tuple[dict[str, str], int]] = [
    ({"PATH_INFO": "/timesheets/01"}, 404),
    *UPLOAD[1:4],
    ({"REQUEST_METHOD": "DELETE"}, 405),
    ({"QUERY_STRING": "unknown=1"}, 400),
    ({"REQUEST_METHOD": "GET", "PATH_INFO": "/timesheets/1"}, 404),
]


@pytest.mark.parametrize(
    ("faults", "status"),
    [(order[first:], order[first][1]) for order in (UPLOAD, READING) for first in range(len(order))],
)
def test_the_first_of_several_errors_is_reported(
    issuer: Issuer, db: None, faults: list[tuple[dict[str, str], int]], status: int
) -> None:
    environ = {"scope": "batch:upload read:timesheets"}
    for fault, _ in reversed(faults):
        environ |= fault
    token = issuer.mint(scope=environ.pop("scope"))

    status_line, _, problem = call_wsgi(
        **{"wsgi.input": ForbiddenBody(), "HTTP_AUTHORIZATION": f"Bearer {token}", **environ}
    )

    assert (int(status_line[:3]), problem["status"]) == (status, status)


def test_no_byte_beyond_content_length_is_read(issuer: Issuer, db: None) -> None:
    body = json.dumps(TUTORIAL_ENTRY).encode()
    stream = io.BytesIO(body + b"GET / HTTP/1.1")
    given = {"CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": f"Bearer {issuer.mint()}"}

    call_wsgi(**{"wsgi.input": stream, **given})

    assert stream.read() == b"GET / HTTP/1.1"


@pytest.mark.parametrize(
    ("path", "host", "expected"),
    [
        ("/timesheets/upload", "stranger.example", (400, "bad_request")),
        ("/nowhere", "testserver", (404, "not_found")),
    ],
)
@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
def test_djangos_own_errors_are_problems_too(
    client: Client, settings: Any, path: str, host: str, expected: tuple[int, str], debug: bool
) -> None:
    settings.DEBUG = debug

    response = client.post(path, headers={"Host": host})

    assert status_and_code(response) == expected
    assert response.headers["Content-Type"] == PROBLEM
    assert int(response.headers["Content-Length"]) == len(response.content)


@pytest.mark.urls("tests.api.urls_with_a_bug")
def test_a_bug_is_a_problem_without_details(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.raise_request_exception = False

    response = client.get("/bug")

    assert (response.status_code, response.json()["code"]) == (500, "internal_server_error")
    assert response.headers["Content-Type"] == PROBLEM
    assert "division" not in response.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ("run.2026-11_24", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("", False),
        ("ä", False),
    ],
)
def test_a_valid_request_id_is_taken_from_the_request(upload: Upload, given: str, is_taken: bool) -> None:
    assert (upload(headers={"X-Request-ID": given}).headers["X-Request-ID"] == given) is is_taken


def test_the_response_to_an_upload_has_a_request_id_and_is_not_cached(upload: Upload) -> None:
    response = upload()

    assert len(response.headers["X-Request-ID"]) == 32
    assert response.headers["Cache-Control"] == "no-store"


METADATA = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", f"{METADATA}/timesheets/upload", "/healthz", "/readyz"]
)
def test_a_read_only_address_accepts_no_other_method(path: str) -> None:
    # Any host may probe.
    host = {"Host": "10.0.0.7:8000"} if path.endswith("z") else {}

    response = Client(enforce_csrf_checks=True).post(path, headers=host)

    assert status_and_code(response) == (405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"


def test_a_title_is_the_same_on_every_python_version(upload: Upload) -> None:
    assert upload([0] * 10_001).json()["title"] == "Content Too Large"
