"""Each way in which a database can fail is 503, tells the operator why, and ends without a restart."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import requests

from tests.kit.databases import create_sqlite, migrate
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.relay import Relay
from tests.kit.servers import GranianServer

# The limit for every answer.
MAX_SECONDS = 10
DATABASE = "failures"
HELD_LOCK = "55P03"
PATIENCE = f"?options={quote('-c lock_timeout=500ms -c statement_timeout=5s')}"

on_postgresql = pytest.mark.postgresql


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server with one worker, and a token for it."""

    server: GranianServer
    token: str
    # Further members of each entry.
    members: Mapping[str, object] = field(default_factory=dict)

    def upload(self, entry_id: str | None = None, count: int | None = None) -> requests.Response:
        """Upload one entry, or a batch of `count` entries."""
        entry = {"user_id": "007", "date": "2017-05-10", "project": "P" * 100, "hours": 5, **self.members}
        body = entry if entry_id is None else {**entry, "entry_id": entry_id}
        return self.server.upload(self.token, body if count is None else [body] * count)

    def require_outage(self, code: str, entry_id: str | None = None) -> None:
        """The next upload of each kind is 503, in time, and the log has the code."""
        line = f"The database failed: {code}"
        before = len(self.server.wait_for_log(line, 0))
        for count in (None, 2):
            response = self.upload(entry_id, count)
            assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
            assert 1 <= int(response.headers["Retry-After"]) <= 30
            assert response.elapsed.total_seconds() < MAX_SECONDS
        assert len(self.server.wait_for_log(line, before + 2)) >= before + 2
        assert "Traceback" not in self.server.read_log()

    def require_recovery(self) -> None:
        for count in (None, 2):
            assert self.upload_until_stored(count)

    def upload_until_stored(self, count: int | None, entry_id: str | None = None) -> bool:
        """Connections that broke may still be in the pool at first."""
        for _ in range(30):
            if self.upload(entry_id, count).ok:
                return True
            time.sleep(0.3)
        return False


@contextmanager
def open_site(folder: Path, issuer: Issuer, url: str) -> Iterator[Site]:
    folder.mkdir(exist_ok=True)
    with closing(GranianServer(folder, issuer.url, url, workers=1)) as server:
        site = Site(server=server, token=issuer.mint())
        assert site.upload().status_code == 201
        yield site


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sites")


@pytest.fixture(scope="module")
def sqlite_site(folder: Path, issuer_process: Issuer) -> Iterator[Site]:
    """One for all failures, since it must recover from each."""
    url = f"{create_sqlite(folder / 'db.sqlite3')}?timeout=1"
    with open_site(folder / "sqlite", issuer_process, url) as site:
        yield site


@pytest.fixture(scope="module")
def postgresql_site(
    folder: Path, issuer_process: Issuer, postgresql_process: PostgreSQLServer
) -> Iterator[Site]:
    url = f"{postgresql_process.create_migrated_database(DATABASE)}{PATIENCE}"
    with open_site(folder / "postgresql", issuer_process, url) as site:
        yield site


def test_a_locked_sqlite_file(sqlite_site: Site, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "db.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        sqlite_site.require_outage("SQLITE_BUSY")

    sqlite_site.require_recovery()


def test_a_sqlite_file_that_is_gone(sqlite_site: Site, folder: Path) -> None:
    files = list(folder.glob("db.sqlite3*"))
    (folder / "elsewhere").mkdir()
    for file in files:
        shutil.move(file, folder / "elsewhere")
    # Without this, SQLite would create an empty database.
    (folder / "db.sqlite3").mkdir()

    sqlite_site.require_outage("SQLITE_CANTOPEN")

    (folder / "db.sqlite3").rmdir()
    for file in files:
        shutil.move(folder / "elsewhere" / file.name, file)
    sqlite_site.require_recovery()


@contextmanager
def mount(path: Path, size: str) -> Iterator[Path]:
    """A small disk. Skips the test if this machine cannot mount one."""
    path.mkdir(mode=0o777)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine cannot mount a disk")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    yield
    filler.unlink()


def test_a_full_disk_under_sqlite(tmp_path: Path, issuer_process: Issuer) -> None:
    with mount(tmp_path / "disk", "4m") as disk:
        url = f"{create_sqlite(disk / 'db.sqlite3')}?timeout=1"
        with open_site(tmp_path / "server", issuer_process, url) as site:
            with full(disk):
                fill_pages(site)
                site.require_outage("SQLITE_FULL database or disk is full. Free space on the disk")

            site.require_recovery()


def fill_pages(site: Site) -> None:
    """Upload until the database needs new space."""
    for _ in range(500):
        if site.upload(count=50).status_code == 503:
            return
    raise AssertionError("the disk does not fill up")


@on_postgresql
def test_a_full_disk_under_postgresql(
    tmp_path: Path, issuer_process: Issuer, postgresql: PostgreSQLServer
) -> None:
    with mount_for_postgresql("48m") as disk:
        postgresql.execute(f"CREATE TABLESPACE small LOCATION '{disk / 'data'}'")
        postgresql.execute("CREATE DATABASE small TABLESPACE small")
        url = f"{postgresql.url('small')}{PATIENCE}"
        migrate(url)
        with open_site(tmp_path / "server", issuer_process, url) as site:
            with full(disk):
                fill_pages(site)
                site.require_outage("53100")

            site.require_recovery()
        postgresql.execute("DROP DATABASE small WITH (FORCE)")
        postgresql.execute("DROP TABLESPACE small")


@contextmanager
def mount_for_postgresql(size: str) -> Iterator[Path]:
    """A disk with a folder `data` of the server's user, who cannot enter pytest's folder."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with mount(Path(folder) / "disk", size) as disk:
            data = disk / "data"
            data.mkdir()
            nobody = pwd.getpwnam("nobody")
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            yield disk


@on_postgresql
def test_a_locked_postgresql_table(postgresql_site: Site, postgresql: PostgreSQLServer) -> None:
    with psycopg.connect(postgresql.url(DATABASE)) as other:
        other.execute("LOCK TABLE timesheets_timesheet")

        postgresql_site.require_outage(HELD_LOCK)

    postgresql_site.require_recovery()


@on_postgresql
def test_corrections_that_wait_for_another_transaction_of_their_client(
    postgresql_site: Site, postgresql: PostgreSQLServer, issuer_process: Issuer
) -> None:
    token = issuer_process.mint(scope="batch:upload correct:timesheets")
    site = replace(postgresql_site, token=token, members={"revision": 2, "reason": "wrong project"})
    with psycopg.connect(postgresql.url(DATABASE)) as other:
        other.execute("SELECT pg_advisory_xact_lock(x'636f7272'::int, id::int) FROM timesheets_client")

        site.require_outage(HELD_LOCK, "a")
        first = postgresql_site.upload("a")

    assert first.status_code == 201
    assert site.upload("a").status_code == 201


@on_postgresql
def test_a_standby(postgresql_site: Site, postgresql: PostgreSQLServer) -> None:
    set_read_only(postgresql, "on")
    # Use up the connections in the pool that are lost now.
    for count in (None, 2) * 4:
        postgresql_site.upload(count=count)

    postgresql_site.require_outage("25006")

    set_read_only(postgresql, "off")
    postgresql_site.require_recovery()


def set_read_only(postgresql: PostgreSQLServer, value: str) -> None:
    """New sessions start like this, and there are only new ones."""
    postgresql.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = {value}")
    postgresql.terminate_backends(DATABASE)


@on_postgresql
def test_a_stopped_postgresql(postgresql_site: Site, postgresql: PostgreSQLServer) -> None:
    postgresql.stop("immediate")

    postgresql_site.require_outage("")

    postgresql.start()
    postgresql_site.require_recovery()


@on_postgresql
def test_a_connection_that_is_cut_during_the_commit(
    tmp_path: Path, issuer_process: Issuer, postgresql: PostgreSQLServer
) -> None:
    port, url = postgresql.port, postgresql.create_migrated_database(tmp_path.name)
    with (
        closing(Relay(port)) as relay,
        open_site(tmp_path / "server", issuer_process, url.replace(f":{port}/", f":{relay.port}/")) as site,
    ):
        # A group of single entries is one statement, hence one transaction.
        for cuts, (count, statement) in enumerate([(None, b"json_to_recordset"), (2, b"COMMIT")], start=1):
            assert site.upload("warm-up", count).ok
            relay.trigger = statement

            lost = site.upload(f"entry-{count}", count)

            relay.trigger = None
            assert relay.cuts == cuts
            assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")
            # Whether the entry was stored or not, the retry tells, and it is stored once.
            assert site.upload_until_stored(count, f"entry-{count}")
    with psycopg.connect(url) as database:
        entry_ids = database.execute("SELECT entry_id FROM timesheets_timesheet WHERE entry_id LIKE 'entry%'")
        assert sorted(entry_ids.fetchall()) == [("entry-2",), ("entry-None",)]
