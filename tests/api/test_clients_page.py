"""Operators see which clients upload, and which ones went silent."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.conftest import status_and_code
from tests.api.pages import SCRIPT, Open, Store, list_links, read_page, read_text
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry
from tests.storage.uploads import make_delivery
from timesheets.models import AssignmentList, ClientStop
from timesheets.models import Client as Row
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient

ALL = "read:all-timesheets"


def read_rows(page: ClientResponse) -> list[str]:
    assert page.status_code == 200, page.content
    *_, body = re.findall("<tbody>(.*?)</tbody>", page.content.decode(), re.DOTALL)
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", body, re.DOTALL)]


def test_silent_clients_come_first_with_what_became_of_their_uploads(
    show: Open, store: Store, issuer: Issuer
) -> None:
    now = timezone.now()
    names = {"issuer": issuer.url, "decided_at": now}
    lists = ("acme", "org_1"), ("new", ""), ("removed", "")
    for client_id, organization in lists:
        AssignmentList.objects.create(
            **names, client_id=client_id, organization=organization, content="user_id\n"
        )
    AssignmentList.objects.create(**names, client_id="removed", organization="", content=None)
    for is_stopped in (True, False, True):
        ClientStop.objects.create(**names, client_id="acme", is_stopped=is_stopped)
    ClientStop.objects.create(**names, client_id="globex", is_stopped=False)
    store(make_entry("a"), make_entry("b"), client_id="globex", received_at=now - timedelta(days=1))
    store(make_entry(), client_id="acme", organization="org_1", received_at=now - timedelta(days=9))
    store(
        make_entry(), client_id="old", issuer="https://former.example/", received_at=now - timedelta(days=400)
    )
    for days, rejected in ((7, 1), (3, 1), (0, 1), (0, 0)):
        sender = MachineClient(issuer=issuer.url, client_id="globex", subject=None)
        ingest_upload(sender, [], now - timedelta(days=days), make_delivery(rejected))

    page = show("/clients", scope=ALL)

    since = now.date() - timedelta(days=6)
    assert [re.sub(r"(since|ago) \d+ \w+ \d{4}, [\d:]+", r"\1", row) for row in read_rows(page)] == [
        "new never 0 0 since",
        "old of https://former.example/ 1 year, 1 month ago 0 1 none",
        "acme stopped for org_1 1 week, 2 days ago 0 1 since",
        "globex 0 minutes ago 2 2 none",
    ]
    links = list_links(page)
    assert f"/uploads?client=globex&rejected=true&received_since={since}" in links
    assert {"/timesheets?client=globex", "/uploads?client=acme"} <= {*links}


@pytest.mark.parametrize("name", ["c", SCRIPT * 8, "🦉" * 250])
def test_a_page_of_many_clients_stays_below_100_kb(show: Open, db: None, name: str) -> None:
    names = {"issuer": "https://issuer.example/", "organization": name[:250]}
    Row.objects.bulk_create(Row(**names, client_id=f"{number:03}{name}") for number in range(150))

    page = show("/clients", scope=ALL)

    shown = len(read_rows(page))
    assert 5 < shown < 150
    assert f"{150 - shown} more, with later uploads, have no room here." in read_page(page)
    assert len(page.content) < 100_000
    assert SCRIPT not in page.content.decode()


def test_only_who_may_read_everything_sees_clients(show: Open, client: Client, settings: Any) -> None:
    own, program = show("/clients"), show("/clients", "application/json", scope=ALL)

    assert own.status_code == 403
    assert "read:all-timesheets" in read_page(own)
    assert status_and_code(program) == (406, "not_acceptable")
    assert show("/clients?x=1", scope=ALL).status_code == 400
    assert client.get("/clients", headers={"Accept": "text/html"}).status_code == 401
    settings.TIMESHEETS_BROWSER_SIGN_IN = False
    assert show("/clients", scope=ALL).status_code == 404
