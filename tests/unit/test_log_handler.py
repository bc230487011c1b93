"""The lines of all threads are written once and whole."""

import errno
import io
import itertools
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from timesheets.logs import SharedStreamHandler


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
