"""Fixtures for all tests, and a report of the tests that a run skips."""

import importlib.util
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections, transaction

from tests.kit.databases import create_sqlite, share_templates
from tests.kit.default_database import Database, use_database
from tests.kit.history import find_version_before_migration
from tests.kit.issuer import Issuer
from tests.kit.postgresql import OLDEST_VERSION, PostgreSQLServer, find_programs
from tests.kit.processes import NODE_MODULES
from tests.kit.servers import DevelopmentServer, GranianServer
from timesheets_site.settings_base import INSTALLED_APPS

# Groups of tests that need more than the requirements files install: the need, and a check for it.
GROUPS: dict[str, tuple[str, Callable[[], object]]] = {
    "shell": (
        "bash, and curl and openssl (Debian: apt-get install curl openssl)",
        lambda: all(map(shutil.which, ("bash", "curl", "openssl"))),
    ),
    "browser": (
        "Chromium with its driver (Debian: apt-get install chromium chromium-driver)",
        lambda: shutil.which("chromium") and shutil.which("chromedriver"),
    ),
    "node": (
        "Node.js (Debian: apt-get install nodejs npm) and `npm ci --prefix tests/system/generated_clients`",
        lambda: shutil.which("node") and (NODE_MODULES / "axe-core").exists(),
    ),
    "prometheus": ("promtool (Debian: apt-get install promtool)", lambda: shutil.which("promtool")),
    "postgresql": (
        f"the server programs of PostgreSQL {OLDEST_VERSION} or newer (Debian: apt-get install postgresql)",
        find_programs,
    ),
    "nginx": (
        "nginx (Debian: apt-get install nginx)",
        lambda: shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"),
    ),
    "haproxy": (
        "haproxy (Debian: apt-get install haproxy)",
        lambda: shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin"),
    ),
    "history": ("git, and the project's history", find_version_before_migration),
    "systemd": (
        "systemd-analyze (Debian: apt-get install systemd)",
        lambda: shutil.which("systemd-analyze"),
    ),
    "schemathesis": (
        "schemathesis (pip install -r requirements-dev.txt)",
        lambda: importlib.util.find_spec("schemathesis"),
    ),
}

# By the URL of a database, and the options of `GranianServer`.
StartServer = Callable[..., GranianServer]

# Folders whose tests start few processes.
IN_PROCESS = ("tests/api", "tests/unit")

# Also a part of one, as pytest shortens long values.
_TOKEN = re.compile(r"eyJ\w[\w.=/+-]*")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="fail if a group of tests is skipped")


def pytest_configure(config: pytest.Config) -> None:
    GROUPS["slow"] = (
        "--all, or their file or folder, because they take minutes",
        partial(asks_for_slow, config),
    )
    for name, (needs, _) in GROUPS.items():
        config.addinivalue_line("markers", f"{name}: needs {needs}")


def asks_for_slow(config: pytest.Config) -> bool:
    return bool(config.getoption("--all")) or config.args != config.getini("testpaths")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than there are processors, because many tests wait for a process."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if is_worker(config):
        # What takes long begins first, so that no worker has to wait for it at the end.
        items.sort(key=lambda item: item.nodeid.startswith(IN_PROCESS))
    if named := {item.nodeid.partition("[")[0] for item in items if _TOKEN.search(item.nodeid)}:
        raise pytest.UsageError(f"Give the parameters of these tests ids: {', '.join(named)}")
    for name, (needs, is_available) in GROUPS.items():
        group = [item for item in items if item.get_closest_marker(name)]
        if group and not is_available():
            for item in group:
                item.add_marker(pytest.mark.skip(reason=f"needs {needs}"))


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one, which reports them."""
    return hasattr(config, "workerinput")


def count_skipped(config: pytest.Config) -> dict[str, int]:
    """How many tests each group skipped, whichever worker ran them."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    reasons = Counter(report.longrepr[2] for report in reporter.stats.get("skipped", []))
    counts = {name: reasons[f"Skipped: needs {needs}"] for name, (needs, _) in GROUPS.items()}
    return {name: count for name, count in counts.items() if count}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave no token in the report of a failure, not even one that a test's own key signed."""
    report = yield
    if report.failed and _TOKEN.search(report.longreprtext):
        report.longrepr = _TOKEN.sub("[token]", report.longreprtext)
    report.sections = [(title, _TOKEN.sub("[token]", text)) for title, text in report.sections]
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if is_worker(session.config):
        return
    if session.config.getoption("--all") and count_skipped(session.config) and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for name, count in count_skipped(config).items():
        needs, _ = GROUPS[name]
        line = f"SKIPPED: {count} tests of the group {name}, which needs {needs}"
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def issuer_process() -> Iterator[Issuer]:
    """One issuer for the whole run, because generating a key is slow."""
    issuer = Issuer(audience=django_settings.OAUTH["AUDIENCE"])
    yield issuer
    issuer.close()


@pytest.fixture
def issuer(issuer_process: Issuer, settings: Any) -> Issuer:
    """The issuer that the API in this process trusts."""
    settings.OAUTH = {
        **settings.OAUTH,
        "ISSUER": issuer_process.url,
        "JWKS_URL": f"{issuer_process.url}.well-known/jwks.json",
    }
    return issuer_process


@pytest.fixture
def without_the_admin(settings: Any) -> None:
    """The apps of the tests' servers, so that this process needs no more of a database than they do."""
    settings.INSTALLED_APPS = INSTALLED_APPS


@pytest.fixture(scope="session", autouse=True)
def migrated_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    # A worker's folder is in that of the run.
    share_templates(folder.parent if is_worker(request.config) else folder)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    """The development server, for all tests that need nothing of their own from it."""
    server = DevelopmentServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def granian(tmp_path_factory: pytest.TempPathFactory, issuer_process: Issuer) -> Iterator[StartServer]:
    """Start production servers, which stop at the end of the module."""
    with ExitStack() as servers:

        def start(*arguments: Any, **options: Any) -> GranianServer:
            folder = tmp_path_factory.mktemp("server")
            return servers.enter_context(
                closing(GranianServer(folder, issuer_process.url, *arguments, **options))
            )

        yield start


@pytest.fixture(scope="session")
def postgresql_process() -> Iterator[PostgreSQLServer]:
    server = PostgreSQLServer()
    yield server
    server.close()


@pytest.fixture
def postgresql(postgresql_process: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """The server. It is started again after a test that stopped it."""
    yield postgresql_process
    postgresql_process.start()


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return create_sqlite(tmp_path_factory.mktemp("database") / "db.sqlite3")


@pytest.fixture(scope="session")
def postgresql_url(postgresql_process: PostgreSQLServer) -> str:
    return postgresql_process.create_migrated_database("timesheets")


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def migrated_database(request: pytest.FixtureRequest) -> Database:
    """A database with its tables. It is chosen again and again, but created once."""
    return Database(vendor=request.param, url=request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(migrated_database: Database, django_db_blocker: Any) -> Iterator[Database]:
    """An empty database as the default, with transactions as in production."""
    with django_db_blocker.unblock(), use_database(migrated_database.url):
        tables = "runline run timesheet rejection upload client clientstop assignmentlist usage"
        # Django's flush would make PostgreSQL create new files for each table.
        with connections["default"].cursor() as cursor, transaction.atomic():
            for table in tables.split():
                cursor.execute(f"DELETE FROM timesheets_{table}")  # noqa: S608
        # The test's servers and threads open their own connections and need an unlocked database.
        connections["default"].close()
        yield migrated_database
