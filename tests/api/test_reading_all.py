"""With `read:all-timesheets`, a token reads what every client stored. For all others, nothing changes."""

import csv
import gzip
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import UploadMany, make_entry, status_and_code
from tests.api.pages import read_page
from tests.api.reading import Read, follow, list_ids
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from timesheets.models import Timesheet
from timesheets.models import Upload as StoredUpload

Send = Callable[..., str]

LISTS = ("/timesheets", "/uploads")
ACME = {"client_id": "payroll", "organization": "org_acme"}


@pytest.fixture
def read_all(read: Read, issuer: Issuer) -> Read:
    """Like `read`, with a token that reads everything, of a client that uploads nothing."""
    return partial(read, token=issuer.mint(scope="read:all-timesheets", azp="auditor", sub="auditor@clients"))


@pytest.fixture
def upload_as(upload_many: UploadMany, issuer: Issuer) -> Send:
    """Upload one good and one bad entry as a client. Returns the address of the receipt."""

    def send(client_id: str, **claims: Any) -> str:
        token = issuer.mint(azp=client_id, sub=f"{client_id}@clients", **claims)
        response = upload_many([make_entry(entry_id="a", hours=1), make_entry(hours=25)], token=token)
        return str(response.headers["Location"])

    return send


def list_owners(response: ClientResponse) -> list[tuple[str, str | None]]:
    return [(each["client"], each.get("organization")) for each in response.json()["results"]]


def test_every_list_and_row_says_whose_it_is(read_all: Read, upload_as: Send) -> None:
    acme, globex = upload_as("payroll", org_id="org_acme"), upload_as("globex")
    [first, second] = Timesheet.objects.order_by("id")

    for path in LISTS:
        response = read_all(path)
        assert list_owners(response) == [("payroll", "org_acme"), ("globex", None)]
        assert "organization" not in response.json()["results"][1]
        assert list_owners(read_all(f"{path}?order=newest&page_size=1")) == [("globex", None)]
    for row, path in ((first, acme), (second, globex)):
        members = {"client": row.client.client_id}
        if row.client.organization:
            members["organization"] = row.client.organization
        for single in (read_all(f"/timesheets/{row.pk}"), read_all(path)):
            assert single.json().items() >= members.items()
        assert read_all(f"{path}/rejections").json()["results"][0]["errors"].keys() == {"hours"}
        assert list_ids(read_all(f"/timesheets?upload={row.upload_id}")) == [row.pk]


def test_the_filter_client_selects_a_client_with_all_its_organizations(read_all: Read, store: Any) -> None:
    plain, acme = store(build_entry("a")), store(build_entry("a"), **ACME)
    globex, other = (store(build_entry("a"), client_id=name) for name in ("globex", "other"))

    assert list_ids(read_all("/timesheets?client=payroll")) == [*plain, *acme]
    assert list_ids(read_all("/timesheets?client=payroll&client=other&order=newest")) == [
        *other,
        *acme,
        *plain,
    ]
    assert list_ids(read_all("/timesheets?client=nobody")) == []
    assert list_ids(read_all("/timesheets?entry_id=a")) == [*plain, *acme, *globex, *other]
    pages = list(follow(read_all, "/timesheets?client=payroll&client=globex&page_size=1"))
    assert [list_ids(page) for page in pages] == [[*plain], [*acme], [*globex]]
    as_of = f"/timesheets?client=other&client=globex&as_of={globex[0]}"
    assert list_ids(read_all(as_of)) == globex


def test_the_filter_client_selects_receipts(read_all: Read, upload_as: Send) -> None:
    for client_id in ("payroll", "globex", "other"):
        upload_as(client_id)

    ids = list(StoredUpload.objects.order_by("id").values_list("id", flat=True))
    assert list_ids(read_all("/uploads?client=globex&client=payroll&rejected=true")) == ids[:2]


@pytest.mark.parametrize("scope", ["read:timesheets", "read:timesheets batch:upload correct:timesheets"])
def test_nothing_changes_for_other_tokens(read: Read, issuer: Issuer, upload_as: Send, scope: str) -> None:
    foreign, own = upload_as("globex"), upload_as("payroll")
    read = partial(read, token=issuer.mint(scope=scope))
    [other, mine] = Timesheet.objects.order_by("id")

    for path in LISTS:
        refused = read(f"{path}?client=payroll")
        assert status_and_code(refused) == (400, "invalid_parameter")
        assert "client" not in refused.json()["detail"]
        assert refused.json()["detail"] == read(f"{path}?unknown=payroll").json()["detail"]
        [row] = read(path).json()["results"]
        assert row.keys().isdisjoint({"client", "organization"})
    for path in (f"/timesheets/{other.pk}", foreign, f"{foreign}/rejections"):
        assert status_and_code(read(path)) == (404, "not_found")
    assert "client" not in read(f"/timesheets/{mine.pk}").json()
    assert "client" not in read(own).json()
    assert b"client" not in read(Accept="text/csv").content


def test_up_to_fifty_clients_can_be_selected(read_all: Read, store: Any) -> None:
    [stored] = store(build_entry())
    fifty = "&".join(f"client=c{number}" for number in range(49)) + "&client=payroll"

    assert list_ids(read_all(f"/timesheets?{fifty}")) == [stored]
    refused = read_all(f"/timesheets?{fifty}&client=one-more")
    assert refused.json()["detail"] == "client: Send at most 50 values."
    assert status_and_code(read_all("/timesheets?client=")) == (400, "invalid_parameter")


def test_csv_has_the_owner_in_the_last_columns(read_all: Read, store: Any) -> None:
    empty = read_all(Accept="text/csv").content.decode()
    store(build_entry("a"), **ACME)
    [plain] = store(build_entry("a"))

    head, first, second = read_all("/timesheets?fields=all", Accept="text/csv").content.decode().splitlines()

    assert empty == "id,user_id,date,project,hours,entry_id,received_at,client,organization\r\n"
    assert head.endswith(",supersedes,superseded_by,client,organization")
    assert (first.rpartition(",,")[2], second[-9:]) == ("payroll,org_acme", ",payroll,")
    alone = read_all(f"/timesheets/{plain}", Accept="text/csv").content.decode().splitlines()
    assert alone[1].endswith(",payroll,")


def test_both_scopes_together_read_everything(read: Read, issuer: Issuer, store: Any) -> None:
    store(build_entry(), client_id="globex")

    both = issuer.mint(scope="read:timesheets read:all-timesheets")

    assert list_owners(read(token=both)) == [("globex", None)]


def test_the_download_has_the_owner_in_the_last_columns(read_all: Read, store: Any, settings: Any) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = True
    store(build_entry("a"), **ACME)
    store(build_entry("a"), client_id="globex")

    response = read_all("/timesheets/download?client=globex&client=payroll")

    text = gzip.decompress(response.getvalue()).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0])[-2:] == ["client", "organization"]
    assert [(row["client"], row["organization"]) for row in rows] == [("payroll", "org_acme"), ("globex", "")]


def test_pages_show_whose_rows_they_are(with_pages: None, read_all: Read, upload_as: Send) -> None:
    receipt = upload_as("payroll", org_id="org_acme")
    upload_as("globex")
    entry = f"/timesheets/{Timesheet.objects.order_by('id')[0].pk}"

    for path in ("/timesheets", "/timesheets?client=payroll", "/uploads", entry, receipt):
        page = read_page(read_all(path, Accept="text/html"))
        assert "payroll for org_acme" in page, path
        assert ("globex" in page) == (path in LISTS), path


def test_the_history_on_a_page_is_that_of_the_entrys_own_client(
    with_pages: None, read_all: Read, store: Any
) -> None:
    store(build_entry("a", project="Secret"))
    [ours] = store(build_entry("a"), client_id="globex")

    page = read_page(read_all(f"/timesheets/{ours}", Accept="text/html"))

    assert "has not been corrected" in page
    assert "Secret" not in page


@pytest.mark.parametrize("path", ["/people/week?user_id=007&week=2017-W19", "/timesheets/download"])
def test_the_scope_suffices_for_what_people_read(
    with_pages: None, read_all: Read, store: Any, client: Client, path: str
) -> None:
    store(build_entry(), client_id="globex")

    response = read_all(path, Accept="text/html" if "week" in path else "*/*")

    assert response.status_code == 200
