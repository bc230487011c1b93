"""People see the hours of an employee's week on a page, and a program learns where to read them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.conftest import status_and_code
from tests.api.pages import OVERRIDE, SCRIPT, Open, Store, list_links, read_page, read_text
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from timesheets.formats.days import Week
from timesheets.views.weeks import MAX_PROJECTS

TUESDAY = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)
NO_WEEKS = ("2027-W53", "", "2026-W47%0A", "1900-W52")
NO_DAYS = ("2026-02-30", "2999-01-01", "20261125")
PERSON = "user_id=007&week=2026-W47"
HOSTILE_NAMES = (SCRIPT, f"{OVERRIDE}kcab", "{{ 7|add:1 }}", "'&\"><b>")


@pytest.fixture
def show(show: Open) -> Open:
    """Request the page with a query string."""

    def get(query: str = PERSON, accept: str = "text/html", **claims: Any) -> ClientResponse:
        return show(f"/people/week?{query}", accept, **claims)

    return get


def work(hours: object = 5, *, days: float = 0, **changes: Any) -> Any:
    """An entry of 007 that many days after the Tuesday."""
    date = TUESDAY + timedelta(days=days)
    return build_entry(changes.pop("entry_id", None), date=date, hours=Decimal(str(hours)), **changes)


def read(response: ClientResponse) -> str:
    assert response.status_code == 200, response.content
    return read_page(response)


def read_rows(response: ClientResponse, table: int = 0) -> list[str]:
    html = re.findall("<table.*?</table>", response.content.decode(), re.DOTALL)[table]
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", html, re.DOTALL)]


def read_charts(response: ClientResponse) -> list[ElementTree.Element]:
    return [svg for svg in parse_svgs(response) if svg.get("class") == "chart"]


def parse_svgs(response: ClientResponse) -> list[ElementTree.Element]:
    """Each picture of the page, which is well-formed XML."""
    texts = re.findall("<svg.*?</svg>", response.content.decode(), re.DOTALL)
    return [ElementTree.fromstring(text) for text in texts]  # noqa: S314  Our own template wrote it.


def test_the_table_has_the_hours_of_each_project_and_day_with_sums(show: Open, store: Store) -> None:
    store(work(5), work("2.5"), work("0.25", days=5), work(8, days=1, project="Intranet"), work(3, days=7))

    page = show()

    assert read_rows(page) == [
        "Project Mon 16 Tue 17 Wed 18 Thu 19 Fri 20 Sat 21 Sun 22 Total",
        "Intranet – – 8.00 – – – – 8.00",
        "StoreZero – 7.50 – – – – 0.25 7.75",
        "Total 0.00 7.50 8.00 0.00 0.00 0.00 0.25 15.75",
    ]
    assert "Employee 007 , 16 November to 22 November 2026 2026-W47" in read(page)


def test_the_chart_says_the_same_as_the_table(show: Open, store: Store) -> None:
    store(work(5), work("2.5", project="Intranet"), work(8, days=1))

    [chart] = read_charts(show())

    texts = [text.text for text in chart.findall("text") if text.get("class") == "middle strong"]
    tooltips = [title.text for title in chart.findall("rect/title")]
    assert texts == ["7.50", "8.00"]
    assert tooltips == [
        "5.00 hours on Tuesday: StoreZero",
        "2.50 hours on Tuesday: Intranet",
        "8.00 hours on Wednesday: StoreZero",
    ]
    described = {element.get("id"): element.text for element in chart if element.get("id")}
    assert chart.get("role") == "img"
    named = [described[name] for name in str(chart.get("aria-labelledby")).split()]
    assert " ".join(map(str, named)) == (
        "Hours by day and project 15.50 hours. Monday: 0.00. Tuesday: 7.50. Wednesday: 8.00. Thursday: 0.00. "
        "Friday: 0.00. Saturday: 0.00. Sunday: 0.00. The table beneath has the projects."
    )


def test_every_fill_of_the_chart_is_defined(show: Open, store: Store) -> None:
    store(*(work(number + 1, project=f"p{number}") for number in range(8)))

    html = show().content.decode()

    defined = set(re.findall('<pattern id="(.*?)"', html))
    assert (
        set(re.findall(r'fill="url\(#(.*?)\)"', html))
        == defined
        == {f"series-{each}" for each in range(1, 7)}
    )


def test_each_of_the_twelve_weeks_is_a_link_with_its_hours_and_the_shown_one_is_marked(
    show: Open, store: Store
) -> None:
    store(work(5), work("2.5", days=-7), work(24, days=-77), work(8, days=-84))

    page = show()

    rows = read_rows(page, 1)
    assert rows[1:3] == ["2026-W47, 16 Nov 2026 5.00", "2026-W46, 9 Nov 2026 2.50"]
    assert (rows[-1], len(rows)) == ("2026-W36, 31 Aug 2026 24.00", 13)
    html = page.content.decode()
    assert re.findall('<a href="([^"]*)" aria-current="page">2026', html) == [
        "/people/week?user_id=007&amp;week=2026-W47"
    ]
    assert re.findall('<rect width="([^"]*)" height="1"', html) == ["5.00", "2.50", *["0"] * 9, "24.00"]


def test_the_page_leads_to_other_weeks_and_to_the_entries(show: Open, store: Store) -> None:
    store(work())

    links = list_links(show())

    assert {"/people/week?user_id=007&week=2026-W46", "/people/week?user_id=007&week=2026-W48"} <= {*links}
    this_week = Week.of(timezone.now().date())
    assert f"/people/week?user_id=007&week={this_week.previous}" in links
    assert "/timesheets?user_id=007&date_from=2026-11-16&date_to=2026-11-23&current=true" in links


def test_the_list_has_the_entries_that_the_page_adds_up(
    show: Open, store: Store, client: Client, issuer: Issuer, settings: Any
) -> None:
    settings.TIMESHEETS_TIME_ZONE = "America/New_York"
    # Sunday 23:30 and Monday 0:30 in New York, and the same a week later.
    store(*(work(2**number, days=days - 0.208) for number, days in enumerate((-1, -0.9584, 6, 6.0416))))

    page = show()

    *days, link, download = (link for link in list_links(page) if link.endswith("current=true"))
    assert len(days) == 7
    assert download == link.replace("/timesheets?", "/timesheets/download?")
    headers = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    assert sum(entry["hours"] for entry in client.get(link, headers=headers).json()["results"]) == 6
    assert read_rows(page)[-1].endswith("6.00")


def test_a_week_of_many_projects_shows_the_largest_and_the_sum_of_the_rest(show: Open, store: Store) -> None:
    store(*(work(20 - number / 4, project=f"p{number:02}") for number in range(MAX_PROJECTS + 3)))

    page = show()

    rows = read_rows(page)
    assert len(rows) == 1 + MAX_PROJECTS + 2
    assert [row.split(" –")[0] for row in (rows[1], rows[-3], rows[-2])] == ["p00", "p39", "Other projects"]
    legend = re.findall('<figcaption class="legend">(.*?)</figcaption>', page.content.decode(), re.DOTALL)
    assert read_text(legend[0]) == "p00 p01 p02 p03 p04 Other projects"
    assert len(page.content) < 100_000


def test_a_week_with_every_day_and_project_stays_small_and_needs_no_inline_style_or_script(
    show: Open, store: Store
) -> None:
    name = '"' * 120
    store(*(work(1, days=day, project=f"{name}{number}") for number in range(60) for day in range(-1, 6)))

    html = show().content.decode()

    assert len(html) < 100_000
    assert re.findall(r"<style|\sstyle=|<script(?! src=)|\son\w+=|javascript:", html) == []


def test_superseded_and_withdrawn_entries_do_not_count_and_the_page_says_so(show: Open, store: Store) -> None:
    store(work(5, entry_id="a"), work(8, entry_id="b"))
    store(
        work(4, entry_id="a", revision=2, reason="wrong"), work(0, entry_id="b", revision=2, reason="wrong")
    )

    page = show()

    assert read_rows(page)[-1] == "Total 0.00 4.00 0.00 0.00 0.00 0.00 0.00 4.00"
    assert "What was corrected or withdrawn does not count." in read(page)
    assert "/timesheets?user_id=007&date_from=2026-11-16&date_to=2026-11-23" in list_links(page)


def test_an_empty_week_leads_to_the_nearest_one_with_hours(show: Open, store: Store) -> None:
    store(work(days=-21), work(days=-14))

    page = show()

    assert "No hours in this week. The nearest week before it with hours is 2026-W45 ." in read(page)
    assert "/people/week?user_id=007&week=2026-W45" in list_links(page)


@pytest.mark.parametrize("query", ["user_id=007", "user_id=007&day={day}"])
def test_without_a_week_the_current_one_is_shown(show: Open, query: str) -> None:
    before = Week.of(timezone.now().date())
    page = show(query.format(day=before.sunday))
    after = Week.of(timezone.now().date())

    assert str(before) in read(page) or str(after) in read(page)
    assert " 2026-W53 " in read(show("user_id=007&day=2027-01-01"))


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        *((f"user_id=007&week={week}", "week: Send a week, such as 2026-W47.") for week in NO_WEEKS),
        *((f"user_id=007&day={day}", "day: Send a day, such as 2026-11-25.") for day in NO_DAYS),
        ("user_id=007&day=2026-11-16&week=2026-W47", "day: Send a week or a day of it, not both."),
        ("user_id=", "user_id: This field may not be blank."),
        (f"user_id={'7' * 65}", "user_id: Ensure this field has no more than 64"),
        ("user_id=0%007", "Null characters are not allowed."),
        ("user_id=007&user_id=008", "user_id: Send it once."),
        ("user_id=007&format=csv", "format: Only the week of everybody is a file."),
        ("user_id=007&x=1", "The only parameters are user_id, week, day, format."),
        ("user_id=%ff", "Encode the parameters in UTF-8."),
    ],
)
def test_wrong_parameters_are_refused_in_words(show: Open, query: str, detail: str) -> None:
    page = show(query)

    assert page.status_code == 400
    assert detail in read_page(page)


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json, text/html;q=0.5"])
def test_a_program_is_told_where_to_read(show: Open, store: Store, accept: str) -> None:
    response = show(accept=accept)

    words = "This address has only a page for people. Programs read GET /timesheets."
    assert status_and_code(response) == (406, "not_acceptable")
    assert response.json()["detail"] == words


def test_the_page_needs_a_token_with_the_scope_to_read(show: Open, client: Client) -> None:
    refused = show(scope="batch:upload")
    unknown = client.get(f"/people/week?{PERSON}", headers={"Accept": "text/html"})

    path, site = "/.well-known/oauth-protected-resource/people/week", "https://timesheets.example.com"
    assert (refused.status_code, unknown.status_code) == (403, 401)
    assert f'resource_metadata="{site}{path}"' in unknown["WWW-Authenticate"]
    assert client.get(path).json()["scopes_supported"] == ["read:all-timesheets", "read:timesheets"]


def test_the_page_does_not_exist_where_people_may_not_sign_in(show: Open, settings: Any) -> None:
    settings.TIMESHEETS_BROWSER_SIGN_IN = False

    assert show().status_code == 404
    assert status_and_code(show(accept="application/json")) == (404, "not_found")


@pytest.mark.parametrize("hostile", HOSTILE_NAMES)
def test_names_affect_nothing_around_them(show: Open, store: Store, hostile: str) -> None:
    store(work(user_id=hostile, project=hostile))

    page = show(urlencode({"user_id": hostile, "week": "2026-W47"}))

    html = page.content.decode()
    name = escape(hostile)
    around = {match[:12] for match in re.findall(rf"(.{{12}}){re.escape(name)}", html)}
    assert all(text.endswith(("<bdi>", "&#x2068;", 'value="', "Tuesday: ")) for text in around)
    assert (hostile not in html) or (name == hostile)
    assert f"/people/week?user_id={quote(hostile, safe='')}".replace("%20", "+") in {
        link.split("&")[0] for link in list_links(page)
    }
    assert len(parse_svgs(page)) == 2 + 12
