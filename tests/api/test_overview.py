"""Who may read sees on the landing page what happened, and each number leads to its list."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.pages import Store, list_links, read_page
from tests.api.test_sign_in import sign_in
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from tests.storage.uploads import make_delivery
from timesheets.formats.days import Week, find_month
from timesheets.models import AssignmentList, Upload
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient


@pytest.fixture
def browser(issuer: Issuer, settings: Any, db: None) -> Client:
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    return Client(headers={"Accept": "text/html"})


@pytest.fixture
def see(browser: Client, issuer: Issuer) -> Any:
    """Sign in with the scope, and open the landing page."""

    def open_landing(scope: str) -> ClientResponse:
        assert sign_in(browser, issuer.mint(scope=scope)).status_code == 302
        return browser.get("/")

    return open_landing


def work(hours: object, day: Any, entry_id: str | None = None, **changes: Any) -> Any:
    date = timezone.now().replace(year=day.year, month=day.month, day=day.day, hour=12)
    return build_entry(entry_id, date=date, hours=Decimal(str(hours)), **changes)


def _name(day: date) -> str:
    return f"{day.day} {day:%B}"


def test_each_number_leads_to_its_list(see: Any, store: Store, issuer: Issuer) -> None:
    now = timezone.now()
    today = now.date()
    (first, end), week = find_month(today), Week.of(today).previous
    before, _ = find_month(first - timedelta(days=1))
    store(work(20, first), work(8, first, "a"), work(3, before, project="Beta"), received_at=now)
    store(work(7, first, "a", revision=2, reason="late"), received_at=now)
    store(work(20, first), client_id="globex", received_at=now)
    AssignmentList.objects.create(
        issuer=issuer.url,
        client_id="payroll",
        organization="",
        content="user_id,project,from,to,hours_per_week\n1001,,,,40\n1002,,,,40\n",
        decided_at=now,
    )
    payroll = MachineClient(issuer=issuer.url, client_id="payroll", subject=None)
    for number in range(7):
        ingest_upload(payroll, [], now, make_delivery(number % 2, 0, f"file-{number}.csv"))

    own, every = see("read:timesheets"), see("read:all-timesheets")

    text = read_page(own)
    since = today - timedelta(days=6)
    assert f"hours in {first:%B %Y} so far 27.00" in text
    assert f"hours in {before:%B %Y} 3.00" in text
    assert f"hours in {first:%B %Y} so far 47.00" in read_page(every)
    assert f"without hours from {_name(week.monday)} to {_name(week.sunday)} 2 " in text
    assert f"uploads with rejected entries since {_name(since)} 3" in text
    assert f"correction since {_name(since)} 1" in text
    assert [f"file-{number}.csv" in text for number in range(7)] == [False] * 2 + [True] * 5
    period = f"date_from={first}&date_to={end}"
    assert {
        f"/totals?by=project&{period}",
        f"/totals?by=project&date_from={before}&date_to={first}",
        f"/people/week?week={week}",
        f"/uploads?rejected=true&received_since={since}",
        "/corrections",
        f"/uploads/{Upload.objects.latest('pk').pk}",
    } <= {*list_links(own)}


def test_without_a_list_nobody_is_said_to_be_missing(see: Any) -> None:
    page = read_page(see("read:timesheets"))

    assert "no list says who should have hours" in page
    assert "There are no uploads of many entries yet." in page


def test_who_may_only_upload_gets_no_overview(see: Any) -> None:
    assert "You are signed in as" in read_page(see("batch:upload"))
