"""The admin in this process: its entries, its accounts, and people who look at its pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from tests.kit.django_client import ClientResponse
from timesheets.models import Client, Timesheet, Upload
from timesheets_site.settings_base import MIDDLEWARE_WITH_ADMIN

LIST = "/admin/timesheets/timesheet/"
UPLOADS = "/admin/timesheets/upload/"
PASSWORD = "a-long-password-of-tests"
COLUMNS = ("id", "client_id", "entry_id", "user_id", "date", "project", "hours", "received_at", "subject")
ROWS: list[tuple[Any, ...]] = [
    (1, 1, "a-1", "007", "2017-05-10T17:40:20.095Z", "StoreZero", 5, "2017-05-11T08:00Z", "payroll@clients"),
    # In Berlin, the time zone of the pages, this is midnight of May 12.
    (2, 1, "a-2", "008", "2017-05-11T22:00Z", "Store Söne", 7.5, "2017-05-12T08:00Z", None),
    (3, 2, None, "007", "2019-01-31T12:00Z", "<script>alert(1)</script>", 1, "2019-02-01T08:00Z", "auth0|1"),
    (4, 2, "-b-4", "009", "2019-03-01T12:00Z", "Support", 24, "2019-03-02T08:00Z", "auth0|1"),
]
UPLOAD = {
    **dict.fromkeys(("received", "created", "existing", "rejected", "byte_count"), 1),
    **dict.fromkeys(("hours_received", "hours_created", "hours_existing"), 1),
}


class Visitor:
    """A person with a browser that runs no scripts."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        # As a proxy adds it.
        self.browser = Browser(headers={"X-Forwarded-For": address}, raise_request_exception=False)

    def sign_in(self, name: str, password: str = PASSWORD) -> ClientResponse:
        return self.post("/admin/login/?next=/admin/", username=name, password=password)

    def get(self, path: str, **query: Any) -> ClientResponse:
        return self.browser.get(path, query or None, follow=True)

    def post(self, path: str, **fields: Any) -> ClientResponse:
        return self.browser.post(path, fields, follow=True)

    def list_ids(self, path: str = LIST, **query: Any) -> list[int]:
        """Return the ids on a page of a list, in order."""
        return [
            int(found) for found in re.findall(rf'href="{path}(\d+)/change/', self.get(path, **query).text)
        ]


@pytest.fixture
def rows(settings: Any, db: None) -> None:
    """Four entries and two uploads. The time zone is not UTC, or nobody would see whose days these are."""
    settings.MIDDLEWARE = MIDDLEWARE_WITH_ADMIN
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    settings.TIMESHEETS_BEHIND_PROXY = True
    for number, name in enumerate(("payroll", "contractors"), start=1):
        Client.objects.create(id=number, issuer="https://issuer.example/", client_id=name)
        Upload.objects.create(
            id=number, client_id=number, label=f"{name}.csv", received_at="2017-05-12T08:00Z", **UPLOAD
        )
    Timesheet.objects.bulk_create(Timesheet(**dict(zip(COLUMNS, row, strict=True))) for row in ROWS)


@pytest.fixture
def visit(rows: None) -> Callable[..., Visitor]:
    """Return a signed-in visitor with an account, which exists once in a test."""

    def sign_in(name: str, **account: Any) -> Visitor:
        visitor = Visitor()
        visitor.browser.force_login(add_user(name, **account))
        return visitor

    return sign_in


@pytest.fixture
def boss(visit: Callable[..., Visitor]) -> Visitor:
    return visit("boss", is_superuser=True)


def add_user(name: str, may: str = "", **account: Any) -> User:
    """Add an account of the staff with the permissions whose names begin with `may`."""
    user = User.objects.create_user(name, password=PASSWORD, **{"is_staff": True, **account})
    if may:
        user.user_permissions.set(Permission.objects.filter(codename__startswith=may))
    return user
