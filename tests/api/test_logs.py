"""No log line contains a token, not even one that a library writes."""

import json
import logging
import sys
from typing import Any

import pytest

from tests.kit.issuer import Issuer
from timesheets.logs import JSONFormatter, RedactingFormatter, judge_record


def make_record(message: str, *arguments: object, **extra: Any) -> logging.LogRecord:
    record = logging.LogRecord("django.server", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(extra)
    return record


def write(message: str, *arguments: object) -> str:
    return RedactingFormatter("%(message)s").format(make_record(message, *arguments))


def write_json(message: str, *arguments: object, **extra: Any) -> dict[str, Any]:
    line = JSONFormatter().format(make_record(message, *arguments, **extra))
    assert line.isascii()
    assert line.isprintable()
    members: dict[str, Any] = json.loads(line)
    return members


def catch(error: Exception) -> Any:
    try:
        raise error
    except Exception:  # noqa: BLE001  Any error has a traceback.
        return sys.exc_info()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('"POST /timesheets/upload?access_token={token} HTTP/1.1" 401 -', id="request-line"),
        pytest.param("Not Found: /{token}", id="path"),
        pytest.param("Invalid HTTP_HOST header: '{token}'.", id="host"),
    ],
)
def test_a_token_is_redacted_in_a_log_line(issuer_process: Issuer, line: str) -> None:
    token = issuer_process.mint()

    for written in (write(line.format(token=token)), write_json(line.format(token=token))["message"]):
        assert all(part not in written for part in token.split("."))
        assert "[token]" in written


@pytest.mark.parametrize("name", ["access_token", "code"])
def test_an_opaque_token_is_redacted_in_a_query_string(name: str) -> None:
    written = write(f'"GET /?a=1&{name}=opaque-value&b=2 HTTP/1.1"')

    assert written == f'"GET /?a=1&{name}=[token]&b=2 HTTP/1.1"'


def test_other_lines_are_unchanged() -> None:
    assert write("Created %s", "timesheet 14") == "Created timesheet 14"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("one\ntwo\r\n{}", id="line-breaks"),
        pytest.param("\x1b[2Jcleared\x9b31m\x07\x7f\x00", id="terminal"),
        pytest.param("one\u2028two\u2029\u202ethree", id="unicode"),
        pytest.param('"}{"level": "INFO"', id="json"),
        pytest.param("\ud800", id="surrogate"),
    ],
)
def test_no_message_breaks_a_line_of_json(message: str) -> None:
    assert write_json("%s", message)["message"] == message
    assert write_json("x", fields={"client": message})["client"] == message


def test_a_redacted_query_string_leaves_valid_json() -> None:
    assert write_json('"GET /?access_token=opaque"')["message"] == '"GET /?access_token=[token]"'


def test_a_traceback_is_a_member_without_tokens(issuer_process: Issuer) -> None:
    written = write_json("failed", exc_info=catch(ValueError(issuer_process.mint())))

    assert written["exc_info"].startswith("Traceback (most recent call last):\n")
    assert written["exc_info"].endswith("ValueError: [token]")


def test_an_attribute_of_a_library_is_not_written() -> None:
    written = write_json("failed", request="GET /?secret=1", server_time="now")

    assert written.keys() == {"time", "level", "logger", "request_id", "message"}


def test_djangos_line_about_a_response_is_dropped() -> None:
    assert not judge_record(make_record("Not Found: /x", name="django.request", status_code=404))
    assert not judge_record(make_record("Service Unavailable: /x", name="django.request", status_code=503))


def test_a_traceback_and_a_reason_are_not_dropped() -> None:
    error = catch(ValueError())

    assert judge_record(make_record("Error", name="django.request", status_code=500, exc_info=error))
    assert judge_record(make_record("Invalid host", name="django.security.DisallowedHost", status_code=400))
