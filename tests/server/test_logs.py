"""No log line contains a token, not even one that a library writes."""

import logging

import pytest

from tests.issuer import Issuer
from timesheets.logs import RedactingFormatter


def write(message: str, *arguments: object) -> str:
    record = logging.LogRecord("django.server", logging.INFO, __file__, 1, message, arguments, None)
    return RedactingFormatter("%(message)s").format(record)


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

    written = write(line.format(token=token))

    assert all(part not in written for part in token.split("."))
    assert "[token]" in written


def test_an_opaque_token_is_redacted_in_a_query_string() -> None:
    written = write('"GET /?a=1&access_token=opaque-value&b=2 HTTP/1.1"')

    assert written == '"GET /?a=1&access_token=[token]&b=2 HTTP/1.1"'


def test_other_lines_are_unchanged() -> None:
    assert write("Created %s", "timesheet 14") == "Created timesheet 14"
