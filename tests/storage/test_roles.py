"""The API's role in PostgreSQL, as the deployment guide creates it, can add and read, and nothing else."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.test import Client

from tests.kit.default_database import use_database
from tests.kit.issuer import Issuer
from tests.kit.postgresql import PostgreSQLServer
from tests.kit.processes import REPOSITORY, run_python
from tests.storage.entries import RECEIVED_AT, ingest, list_outcomes, make_entry, own, to_entry
from tests.storage.runs import pay
from tests.storage.test_current_entries import state
from tests.storage.test_receipts import upload
from timesheets.apps import close_connections
from timesheets.models import AssignmentList, ClientStop, RunLine, Timesheet
from timesheets.readiness import get_readiness
from timesheets.storage.entries import Outcome
from timesheets.storage.queries import TimesheetQuery, find_timesheet, list_timesheets
from timesheets.storage.receipts import ReceiptQuery, list_receipts

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("without_the_admin")]

ROLES, POLICY_GRANTS = (
    (REPOSITORY / f"deploy/postgresql/{name}.sql").read_text() for name in ("roles", "grants")
)
GUIDE = "".join((REPOSITORY / f"docs/{page}.md").read_text() for page in ("deployment", "browser"))
# What the guide grants later: for sign-ins, and for the admin.
GRANTS = re.findall(r"^GRANT [^;]+;", GUIDE, re.MULTILINE)
PROBE = """
import django
django.setup()
from django.test import Client

print(Client().get("/readyz").json()["failing"])
"""
# Someone signs in to the admin, adds an account, grants a permission and takes it away, and deletes both.
ADMINISTRATION = """
import django
django.setup()
from django.contrib.auth.models import Permission, User
from django.test import Client

PASSWORD = "a-long-password-of-tests"
User.objects.create_superuser("boss", password=PASSWORD)
browser = Client()
browser.post("/admin/login/", {"username": "boss", "password": PASSWORD})
twice = {"password1": PASSWORD, "password2": PASSWORD}
browser.post("/admin/auth/user/add/", {"username": "clerk", "usable_password": "true", **twice})
clerk = User.objects.get(username="clerk")
account = {"username": "clerk", "is_staff": "on", "date_joined_0": "2026-01-01", "date_joined_1": "12:00:00"}
permission = Permission.objects.get(codename="view_timesheet")
for permissions in ([permission.pk], []):
    browser.post(f"/admin/auth/user/{clerk.pk}/change/", {**account, "user_permissions": permissions})
    print([found.pk for found in clerk.user_permissions.all()] == permissions)
for account in [clerk, User.objects.get(username="boss")]:
    browser.post(f"/admin/auth/user/{account.pk}/delete/", {"post": "yes"})
print(User.objects.count())
print(Client().get("/readyz").json()["failing"])
"""
REFUSED = "permission denied|must be owner"
CREATED, EXISTING, CONFLICT = Outcome.CREATED, Outcome.EXISTING, Outcome.CONFLICT
SUPERSEDED = Outcome.SUPERSEDED


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as own_connection:
        own_connection.execute(statement)


def log_in_as(role: str, url: str) -> str:
    return re.sub(r"//\w+@", f"//{role}@", url)


@pytest.fixture(scope="module")
def superuser_url(postgresql_process: PostgreSQLServer, django_db_blocker: Any) -> str:
    """A database with the guide's roles, migrated by its owner."""
    url = postgresql_process.create_database("roles")
    execute(url, ROLES)
    with django_db_blocker.unblock(), use_database(log_in_as("timesheets_owner", url)):
        call_command("migrate", verbosity=0)
    execute(log_in_as("timesheets_owner", url), POLICY_GRANTS)
    return url


@pytest.fixture
def as_api(superuser_url: str, django_db_blocker: Any) -> Iterator[None]:
    """The database is empty, and the default connection logs in as the API's role."""
    execute(
        superuser_url,
        "TRUNCATE timesheets_client, timesheets_upload, timesheets_rejection, timesheets_timesheet,"
        " timesheets_run, timesheets_runline",
    )
    with django_db_blocker.unblock(), use_database(log_in_as("timesheets_api", superuser_url)):
        yield


@pytest.mark.usefixtures("as_api")
def test_the_api_stores_single_entries_and_batches_recognizes_them_and_lists_them() -> None:
    entries = [make_entry(f"a-{number}") for number in range(1000)] + [make_entry() for _ in range(1000)]

    singles = [ingest(entry)[0] for entry in (entries[0], entries[0], make_entry("a-0", project="Other"))]
    first = ingest(*entries)
    # The first hundred are new and the last exist: how the rest of a batch is stored depends on that.
    again = ingest(*(make_entry(f"b-{number}") for number in range(200)), *entries[:1000])

    assert list_outcomes(singles) == [CREATED, EXISTING, CONFLICT]
    assert list_outcomes(first) == [EXISTING, *[CREATED] * 1999]
    assert list_outcomes(again) == [CREATED] * 200 + [EXISTING] * 1000
    assert find_timesheet(own(), singles[0].timesheet_id) is not None
    assert len(list_timesheets(own(), TimesheetQuery(), 5000).timesheets) == 2200


@pytest.mark.usefixtures("as_api")
def test_the_api_corrects_entries_and_leaves_receipts() -> None:
    correction = make_entry("a", hours=Decimal(0), revision=2, reason="entered twice")

    stored = upload(make_entry("a"), correction, make_entry("b"))
    again = upload(make_entry("a"), correction, make_entry("b", project="Other"), make_entry("b", revision=1))
    [stated] = state(make_entry("a", hours=Decimal(4), reason="not entered twice"))

    assert (stated.outcome, stated.corrects is not None) == (CREATED, True)
    assert list_outcomes(stored.verdicts) == [CREATED] * 3
    assert list_outcomes(again.verdicts) == [SUPERSEDED, EXISTING, CONFLICT, EXISTING]
    receipts, _ = list_receipts(own(), ReceiptQuery(), 10)
    assert [(receipt.created, receipt.existing) for receipt in receipts] == [(3, 0), (0, 3)]
    current = TimesheetQuery(is_current=True, as_of=receipts[0].last_id)
    assert [row.entry.entry_id for row in list_timesheets(own(), current, 10).timesheets] == ["b"]


@pytest.mark.usefixtures("as_api")
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("timesheets_timesheet", "client_id"),
        ("timesheets_rejection", "entry"),
        ("timesheets_upload", "client_id"),
        ("timesheets_client", "client_id"),
    ],
)
@pytest.mark.parametrize(
    "statement",
    [
        *("UPDATE {} SET {column} = {column}", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"),
        "ALTER TABLE {} ADD x int",
    ],
)
def test_the_api_cannot_change_or_delete_what_is_stored(statement: str, table: str, column: str) -> None:
    ingest(make_entry("a"))

    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table, column=column))

    assert [to_entry(row) for row in Timesheet.objects.all()] == [make_entry("a")]


@pytest.mark.usefixtures("as_api")
def test_the_api_cannot_decide_about_clients() -> None:
    with pytest.raises(ProgrammingError, match="permission denied for table timesheets_clientstop"):
        ClientStop.objects.create(issuer="https://a.example/", is_stopped=False, decided_at=RECEIVED_AT)
    with pytest.raises(ProgrammingError, match="permission denied for table timesheets_assignmentlist"):
        AssignmentList.objects.create(client_id="payroll", decided_at=RECEIVED_AT)


@pytest.mark.usefixtures("as_api")
def test_the_api_can_read_what_is_paid_and_pay_nobody(superuser_url: str, issuer: Issuer) -> None:
    ingest(make_entry("a"))
    with pytest.raises(ProgrammingError, match="permission denied for table timesheets_runline"):
        pay("by-the-api", "2017-05-31")
    # The pool has connections of the other role.
    close_connections()
    with use_database(log_in_as("timesheets_owner", superuser_url)):
        pay("by-the-owner", "2017-05-31")

    with pytest.raises(ProgrammingError, match="permission denied for table timesheets_runline"):
        RunLine.objects.update(pays=500)
    assert [(line.run.label, line.pays) for line in RunLine.objects.all()] == [("by-the-owner", Decimal(5))]
    for revoked in ("SELECT ON timesheets_run ", "SELECT ON timesheets_runline "):
        execute(superuser_url, f"REVOKE {revoked} FROM timesheets_api")
        assert probe() == 503
        execute(superuser_url, POLICY_GRANTS)
        assert probe() == 200


@pytest.mark.usefixtures("as_api")
@pytest.mark.parametrize("statement", ["CREATE TABLE x ()", "CREATE TEMPORARY TABLE x ()", "CREATE SCHEMA x"])
def test_the_api_cannot_create_anything(statement: str) -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match=REFUSED):
        cursor.execute(statement)


@pytest.mark.usefixtures("as_api")
def test_the_tables_of_later_migrations_are_covered(superuser_url: str) -> None:
    execute(log_in_as("timesheets_owner", superuser_url), "CREATE TABLE later (id bigserial, x int)")

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO later (x) VALUES (1) RETURNING id")
        rows = cursor.fetchall()

    assert rows == [(1,)]


def call_api(issuer: Issuer) -> set[int]:
    """The statuses of uploads of one entry, of two, of many and of a refused one, and of what they left."""
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {issuer.mint(scope='batch:upload read:timesheets')}"}
    entry = {"user_id": "007", "date": "2026-06-01", "project": "X", "hours": "8"}
    bodies: tuple[Any, ...] = (entry, [entry] * 2, [entry] * 200, [{}])
    uploads = [
        client.post("/timesheets/upload", body, "application/json", headers=headers) for body in bodies
    ]
    rejections = f"{uploads[-1].headers.get('Location', '/uploads/1')}/rejections"
    lists = [client.get(path, headers=headers) for path in ("/uploads", rejections)]
    return {response.status_code for response in (*uploads, *lists)}


def probe() -> int:
    get_readiness.cache_clear()
    return Client().get("/readyz").status_code


@pytest.mark.usefixtures("as_api")
@pytest.mark.parametrize(
    "privilege",
    [
        *(
            f"{privilege} ON timesheets_{table}"
            for table in ("client", "rejection", "timesheet", "upload")
            for privilege in ("SELECT", "INSERT")
        ),
        "USAGE ON SEQUENCE timesheets_timesheet_id_seq",
        "USAGE ON SEQUENCE timesheets_upload_id_seq",
    ],
)
def test_a_process_is_ready_only_with_every_privilege_that_an_upload_needs(
    superuser_url: str, issuer: Issuer, privilege: str, caplog: pytest.LogCaptureFixture
) -> None:
    execute(superuser_url, f"REVOKE {privilege} FROM timesheets_api")

    without, statuses = probe(), call_api(issuer)

    execute(superuser_url, f"GRANT {privilege} TO timesheets_api")
    assert (without, probe()) == (503, 200)
    # The grant is needed.
    assert 500 in statuses
    assert 500 not in call_api(issuer)
    assert f"As the owner, run: GRANT {privilege} TO timesheets_api" in caplog.text


@pytest.mark.usefixtures("as_api")
def test_a_process_is_ready_to_throttle_only_with_the_grant_of_the_guide(
    superuser_url: str, issuer: Issuer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TIMESHEETS_THROTTLE = "600/min"
    execute(superuser_url, "REVOKE UPDATE, DELETE ON timesheets_usage FROM timesheets_api")
    forbidden = probe()
    [grant] = [statement for statement in GRANTS if "UPDATE, DELETE ON timesheets_usage" in statement]

    execute(superuser_url, grant)

    assert (forbidden, probe()) == (503, 200)
    assert "As the owner, run: GRANT UPDATE ON timesheets_usage TO timesheets_api" in caplog.text


def run_with_admin(role: str, url: str, *arguments: str) -> str:
    """What a program prints that runs with the admin."""
    variables = {"DJANGO_SETTINGS_MODULE": "tests.settings_admin", "TEST_DATABASE_URL": log_in_as(role, url)}
    result = run_python(*arguments, **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_guides_grants_are_enough_for_the_admin(superuser_url: str) -> None:
    run_with_admin("timesheets_owner", superuser_url, "-m", "django", "migrate")
    without = run_with_admin("timesheets_api", superuser_url, "-c", PROBE)
    for statement in GRANTS:
        execute(superuser_url, statement)

    printed = run_with_admin("timesheets_api", superuser_url, "-c", ADMINISTRATION)

    # The issuer is not there.
    assert (without, printed) == ("['database', 'issuer']\n", "True\nTrue\n0\n['issuer']\n")
