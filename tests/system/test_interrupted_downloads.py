"""A download that cannot be completed ends visibly broken, under the production server."""

import gzip
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.kit.issuer import Issuer
from tests.kit.servers import GranianServer

# In bytes. A system keeps some megabytes of what a reader has not read.
MORE_THAN_A_SYSTEM_KEEPS = 7_000_000
COUNT = 20_000
LETTERS = [chr(number) for number in range(0x4E00, 0x9FFF)]
RANDOM = random.SystemRandom()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path, issuer_process: Issuer) -> Iterator[GranianServer]:
    server = GranianServer(folder, issuer_process.url, settings="tests.settings_admin", workers=1)
    headers = {"Authorization": f"Bearer {issuer_process.mint()}", "Content-Type": "text/csv"}
    for first in range(0, COUNT, 5000):
        rows = (f"{choose(64)},2017-05-10,{choose(128)},7.5,{first + row}" for row in range(5000))
        body = "\n".join(["user_id,date,project,hours,entry_id", *rows]).encode()
        url = f"{server.url}/timesheets/upload?label=week19"
        assert requests.post(url, body, headers=headers, timeout=60).json()["created"] == 5000
    yield server
    server.close()


def choose(count: int) -> str:
    """Text that cannot be compressed much."""
    return "".join(RANDOM.choices(LETTERS, k=count))


def begin_download(server: GranianServer, issuer: Issuer) -> Any:
    """The response, of which only the head is read."""
    headers = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    url = f"{server.url}/timesheets/download"
    return requests.get(url, headers=headers, stream=True, timeout=60)


@pytest.mark.slow
def test_a_download_whose_database_fails_is_cut_off(
    server: GranianServer, folder: Path, issuer_process: Issuer
) -> None:
    with (
        begin_download(server, issuer_process) as response,
        closing(sqlite3.connect(folder / "db.sqlite3", isolation_level=None)) as database,
    ):
        database.execute("ALTER TABLE timesheets_timesheet RENAME TO lost")

        with pytest.raises(requests.exceptions.ContentDecodingError):
            _ = response.content
        database.execute("ALTER TABLE lost RENAME TO timesheets_timesheet")

    assert response.status_code == 200
    assert "A download failed while it was sent" in server.read_log()
    with begin_download(server, issuer_process) as complete:
        sent = complete.raw.read(decode_content=False)
    assert len(sent) > MORE_THAN_A_SYSTEM_KEEPS
    assert gzip.decompress(sent).count(b"\r\n") == COUNT + 1
