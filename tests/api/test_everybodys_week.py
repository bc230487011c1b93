"""People see everybody's week on one page, who is missing first, and download it."""

import csv
import gzip
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from tests.api.pages import SCRIPT, Open, Store, list_links, read_page, read_text
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry
from timesheets.formats.days import Week
from timesheets.models import AssignmentList

EVERYTHING = {"scope": "read:all-timesheets"}
# Its Monday is 8 May.
WEEK = "/people/week?week=2017-W19"
HEADER = "Mon 8 Tue 9 Wed 10 Thu 11 Fri 12 Sat 13 Sun 14 Sum"


@pytest.fixture
def set_list(issuer: Issuer, db: None) -> Callable[..., None]:
    def add(*rows: str, client_id: str = "payroll", organization: str = "") -> None:
        AssignmentList.objects.create(
            issuer=issuer.url,
            client_id=client_id,
            organization=organization,
            content="user_id,hours_per_week\n" + "\n".join(rows),
            decided_at=datetime.now(UTC),
        )

    return add


@pytest.fixture
def people(set_list: Callable[..., None], store: Store) -> None:
    """Of one client somebody who is missing and one who is short; of two others one who has hours."""
    set_list("007,40", "008,20")
    set_list("007,5", client_id="agency", organization="org_1")
    store(make_entry(hours=Decimal("7.5")), make_entry(hours=Decimal(2), project="Intranet"))
    store(make_entry(hours=Decimal(5)), client_id="agency", organization="org_1")
    store(make_entry(user_id="=1+1"), client_id="unlisted")


def read_rows(response: ClientResponse) -> list[str]:
    assert response.status_code == 200, response.content
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", response.content.decode(), re.DOTALL)]


@pytest.mark.usefixtures("people")
def test_who_is_missing_comes_first_in_words_with_the_hours_of_each_day(show: Open) -> None:
    page = show(WEEK, **EVERYTHING)

    assert read_rows(page) == [
        f"Employee Status {HEADER} Expected Client",
        "008 ✕ missing – – – – – – – 0.00 20.00 payroll",
        "007 ◔ short – – 9.50 – – – – 9.50 40.00 payroll",
        "007 ✓ complete – – 5.00 – – – – 5.00 5.00 agency for org_1",
        "=1+1 no list – – 5.00 – – – – 5.00 unlisted",
        "Total 0.00 0.00 19.50 0.00 0.00 0.00 0.00 19.50 65.00",
    ]
    assert "8 May to 14 May 2017" in read_page(page)
    assert "for some clients no list of who is expected is kept" in read_page(page)


@pytest.mark.usefixtures("people")
def test_a_name_leads_to_the_persons_week_and_a_day_to_its_entries(show: Open) -> None:
    links = list_links(show(WEEK, **EVERYTHING))

    [person] = (link for link in links if link.startswith("/people/week?user_id=007&client=agency"))
    [day] = (link for link in links if link.startswith("/timesheets?user_id=007&client=agency"))
    shown = show(person, **EVERYTHING)
    assert "Employee 007 of agency , 8 May to 14 May 2017" in read_page(shown)
    assert read_rows(shown)[2].endswith("5.00")
    # The day is a link there, too, because this page would be too many stops for the keyboard.
    assert day.replace("/timesheets?", "/totals?by=project&").partition("&current")[0] in list_links(shown)
    entries = show(day, "application/json", **EVERYTHING).json()["results"]
    assert [(entry["hours"], entry["client"]) for entry in entries] == [(5, "agency")]


@pytest.mark.usefixtures("people")
def test_a_client_sees_its_own_people_and_a_reader_of_all_chooses_clients(show: Open) -> None:
    own, chosen = show(WEEK), show(f"{WEEK}&client=agency", **EVERYTHING)

    assert [row.split()[0] for row in read_rows(own)] == ["Employee", "008", "007", "Total"]
    assert "Client" not in read_rows(own)[0]
    assert [row.split()[0] for row in read_rows(chosen)] == ["Employee", "007", "Total"]
    assert "/people/week?client=agency&week=2017-W18" in list_links(chosen)
    assert show(f"{WEEK}&client=agency").status_code == 400


def test_without_a_list_nobody_is_missing(show: Open, store: Store) -> None:
    nobody = read_page(show(WEEK))
    store(make_entry())

    page = show(WEEK)

    assert read_rows(page)[:2] == [f"Employee {HEADER}", "007 – – 5.00 – – – – 5.00"]
    assert "No list of who is expected is kept, so nobody can be missing." in read_page(page)
    assert "Nobody has hours in this week, and no list says who should." in nobody


@pytest.mark.parametrize("weeks", [0, 2])
def test_in_a_week_that_has_not_ended_nobody_is_missing_yet(
    show: Open, set_list: Callable[..., None], weeks: int
) -> None:
    set_list("007,40")

    page = show(f"/people/week?week={Week.of(timezone.now().date() + timedelta(weeks=weeks))}")

    # A test that runs at the end of a Sunday sees the week end.
    assert "This week has not ended, so nobody is missing yet." in read_page(page) or weeks == 0
    assert re.search("007 ○ open|007 ✕ missing", read_page(page))


def test_without_a_week_the_last_one_that_has_ended_is_shown(show: Open) -> None:
    before = Week.of(timezone.now().date())
    page = read_page(show("/people/week"))
    after = Week.of(timezone.now().date())

    assert str(before.previous) in page or str(after.previous) in page


@pytest.mark.parametrize("rest", ["", "'<" * 30, "\U0001f600" * 60], ids=["short", "escaped", "encoded"])
def test_of_many_people_the_first_ones_fit_and_the_file_has_all(
    show: Open, store: Store, set_list: Callable[..., None], rest: str
) -> None:
    names = [f"{number:04}{rest}" for number in range(1500)]
    set_list(*(f"{each},40" for each in names))
    monday = datetime(2017, 5, 8, 8, tzinfo=UTC)
    days = [monday + timedelta(days=number) for number in range(7)]
    store(*(make_entry(user_id=each, date=day) for each in names[:110] for day in days))

    missing, file = show(WEEK, **EVERYTHING), show(f"{WEEK}&format=csv", **EVERYTHING)
    AssignmentList.objects.all().delete()
    present = show(WEEK, **EVERYTHING)

    for page, count in ((missing, 1500), (present, 110)):
        [left_out] = re.findall(r"([\d,]+) more people are not shown", read_page(page))
        assert len(read_rows(page)) - 1 + int(left_out.replace(",", "")) == count
        assert 40_000 < len(page.content) < 100_000
    assert read_rows(missing)[1].startswith(f"{names[110]} ✕ missing")
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(file.getvalue()).decode("utf-8-sig"))))
    file.close()
    assert [row["user_id"].lstrip("'") for row in rows] == [*names[110:], *names[:110]]


@pytest.mark.usefixtures("people")
def test_the_file_has_a_column_for_each_day_and_no_formulas(show: Open) -> None:
    file = show(f"{WEEK}&format=csv", **EVERYTHING)

    text = gzip.decompress(file.getvalue()).decode("utf-8-sig")
    file.close()
    assert file["Content-Disposition"].startswith('attachment; filename="week-2017-W19-')
    days = ",".join(f"2017-05-{day:02}" for day in range(8, 15))
    assert text.splitlines()[:2] == [
        f"user_id,hours,expected,status,client,organization,{days}",
        "008,0,20,missing,payroll,,0,0,0,0,0,0,0",
    ]
    assert "'=1+1,5.00,,unlisted,unlisted,," in text


@pytest.mark.usefixtures("people")
def test_the_address_of_who_is_missing_leads_people_to_the_week(show: Open) -> None:
    redirect = show("/missing?week=2017-W19&client=agency", **EVERYTHING)

    assert (redirect.status_code, redirect["Location"]) == (302, f"{WEEK}&client=agency")
    assert show("/missing?week=2017-W19", "application/json").json()["people"][0]["user_id"] == "008"


def test_names_affect_nothing_around_them(show: Open, store: Store) -> None:
    store(make_entry(user_id=SCRIPT), client_id="<b>&")

    page = show(WEEK, **EVERYTHING)

    assert SCRIPT not in page.content.decode()
    query: Any = {"user_id": SCRIPT, "client": "<b>&", "week": "2017-W19"}
    assert f"/people/week?{urlencode(query)}" in list_links(page)
