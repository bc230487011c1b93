"""No log line contains a token, not even one that a library writes."""

import errno
import io
import itertools
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.issuer import Issuer
from timesheets.logs import RedactingFormatter, SharedStreamHandler


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


class SlowStream(io.StringIO):
    """While it writes, other threads run."""

    def write(self, text: str) -> int:
        time.sleep(0.001)
        return super().write(text)


class FullStream(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def make_record(message: str) -> logging.LogRecord:
    return logging.LogRecord("timesheets", logging.INFO, __file__, 1, message, (), None)


def test_the_lines_of_all_threads_are_written_once_and_whole() -> None:
    handler = SharedStreamHandler()
    stream = handler.stream = SlowStream()
    lines = [[f"{thread}:{number} {'x' * 200}" for number in range(100)] for thread in range(8)]

    def log(thread: int) -> None:
        for line in lines[thread]:
            handler.handle(make_record(line))

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(log, range(8)))

    written = stream.getvalue().splitlines()
    assert sorted(written) == sorted(itertools.chain.from_iterable(lines))
    assert [line for line in written if line.startswith("3:")] == lines[3]


def test_a_full_disk_fails_no_request(capsys: pytest.CaptureFixture[str]) -> None:
    handler = SharedStreamHandler()
    handler.stream = FullStream()

    handler.handle(make_record("lost"))

    assert "No space left on device" in capsys.readouterr().err
    handler.stream = stream = io.StringIO()
    handler.handle(make_record("written"))
    assert stream.getvalue() == "written\n"
