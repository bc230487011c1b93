"""The admin in this process: its entries, its accounts, and people who look at its pages."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection

from tests.api.admin.pages import DATE, PASSWORD, Visitor
from tests.storage.uploads import make_delivery
from timesheets.models import Client, Timesheet
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient
from timesheets_site.settings_base import MIDDLEWARE_WITH_ADMIN

ISSUER = "https://issuer.example/"
FORMULA = '=HYPERLINK("https://stranger.example","pay")'
COLUMNS = ("id", "client_id", "entry_id", "user_id", "date", "project", "hours", "received_at", "subject")
ROWS: list[tuple[Any, ...]] = [
    (1, 1, "a-1", "007", "2017-05-10T17:40:20.095Z", "StoreZero", 5, "2017-05-11T08:00Z", "payroll@clients"),
    # In Berlin, the time zone of the pages, this is midnight of May 12.
    (2, 1, "a-2", "008", "2017-05-11T22:00Z", "Store Söne", Decimal("7.5"), "2017-05-12T08:00Z", None),
    (3, 2, None, "007", "2019-01-31T12:00Z", FORMULA, 1, "2019-02-01T08:00Z", "auth0|1"),
    (4, 2, "-b-4", "@009", "2019-03-01T12:00Z", "+1", 24, "2019-03-02T08:00Z", "auth0|1"),
]


@pytest.fixture
def site(settings: Any, db: None) -> None:
    """The admin without any row, whose time zone is not UTC, or nobody would see whose days these are."""
    settings.MIDDLEWARE = MIDDLEWARE_WITH_ADMIN
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    settings.TIMESHEETS_BEHIND_PROXY = True
    with connection.cursor() as cursor:
        # The rows of a test begin with id 1, whichever tests ran before it.
        cursor.execute("DELETE FROM sqlite_sequence")


@pytest.fixture
def rows(site: None) -> None:
    names = enumerate(("payroll", "contractors"), start=1)
    Client.objects.bulk_create(Client(id=number, issuer=ISSUER, client_id=name) for number, name in names)
    add_rows(ROWS)


def add_rows(rows: list[tuple[Any, ...]]) -> None:
    Timesheet.objects.bulk_create(Timesheet(**dict(zip(COLUMNS, row, strict=True))) for row in rows)


@pytest.fixture
def visit(site: None) -> Callable[..., Visitor]:
    """Return a signed-in visitor with an account, which exists once in a test."""

    def sign_in(name: str, **account: Any) -> Visitor:
        visitor = Visitor()
        visitor.browser.force_login(add_user(name, **account))
        return visitor

    return sign_in


@pytest.fixture
def boss(rows: None, visit: Callable[..., Visitor]) -> Visitor:
    return visit("boss", is_superuser=True)


@pytest.fixture
def auditor(deliveries: None, visit: Callable[..., Visitor]) -> Visitor:
    """A superuser of a site with corrected entries and with uploads."""
    return visit("auditor", is_superuser=True)


@pytest.fixture
def deliveries(site: None) -> None:
    """Hours 5, then 4, then 0, with one client. Another client has an entry with the same `entry_id`."""
    deliver("payroll", "week19.csv")
    deliver("contractors", "week19.csv", project="Secret")
    deliver("payroll", "week19-again.csv", hours=4, revision=2, reason="<script>alert(1)</script>")
    deliver("payroll", None, hours=0, revision=3, reason="=1+1")
    deliver("payroll", "nothing.csv", hours=0, revision=3, reason="=1+1")
    deliver("payroll", "keyless.csv", entry_id=None)


def deliver(client_id: str, label: str | None, hours: int = 5, **members: Any) -> None:
    content = {"user_id": "007", "date": DATE, "project": "StoreZero", "entry_id": "a-1", **members}
    entry = Entry(hours=Decimal(hours), **content)
    client = MachineClient(issuer=ISSUER, client_id=client_id, subject="auth0|1")
    ingest_upload(client, [entry], DATE, make_delivery(1, entry.hours, label))


def add_user(name: str, may: str = "", **account: Any) -> User:
    """Add an account of the staff with the permissions whose names begin with `may`."""
    user = User.objects.create_user(name, password=PASSWORD, **{"is_staff": True, **account})
    if may:
        user.user_permissions.set(Permission.objects.filter(codename__startswith=may))
    return user
