"""Pages show what became of each entry and upload, to those who may read it."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape, unescape
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import UploadMany, make_entry
from tests.api.formats import NDJSON
from tests.api.pages import OVERRIDE, SCRIPT, Open, Store, list_links, read_page, read_text
from tests.api.reading import RECEIVED_AT, list_ids, localize
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry
from tests.storage.uploads import make_delivery
from timesheets.browser.details import MAX_REVISIONS, MAX_SHOWN
from timesheets.models import AssignmentList, Timesheet, Upload
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.storage.queries import find_timesheet
from timesheets.storage.receipts import find_receipt
from timesheets.storage.rows import Reach
from timesheets.trust.principals import ClientKey, MachineClient
from timesheets.views.list_options import PEOPLES_PAGE_SIZE

Deliver = Callable[..., int]


@pytest.fixture
def deliver(issuer: Issuer, db: None) -> Deliver:
    """Store entries as an upload of many. Returns its id."""

    def ingest(*entries: Entry, label: str | None = None) -> int:
        hours = sum((entry.hours for entry in entries), Decimal("0.25"))
        delivery = make_delivery(len(entries) + 1, hours, label)
        payroll = MachineClient(issuer=issuer.url, client_id="payroll", subject="payroll@clients")
        upload_id = ingest_upload(payroll, entries, RECEIVED_AT, delivery).upload_id
        assert upload_id
        return upload_id

    return ingest


def correct(revision: int, hours: object, reason: str = "Wrong hours", **changes: Any) -> Entry:
    return build_entry("week-19:1", revision=revision, hours=Decimal(str(hours)), reason=reason, **changes)


def read_rows(response: ClientResponse) -> list[str]:
    """The text of each row of the last table."""
    *_, body = re.findall("<tbody>(.*?)</tbody>", response.content.decode(), re.DOTALL)
    return [read_text(row) for row in re.findall("<tr>(.*?)</tr>", body, re.DOTALL)]


# The history of an entry


def test_the_history_says_who_changed_what_when_and_why(show: Open, store: Store, deliver: Deliver) -> None:
    [first] = store(build_entry("week-19:1", hours=Decimal(5)))
    upload = deliver(correct(2, 4, "Left early", project="Intranet"))
    [third] = store(correct(3, "4.25", "Counted again", project="Intranet"), subject=None)

    page = show(f"/timesheets/{third}")

    date, origin = "Wed, 10 May 2017 17:40", "12 May 2017, 06:00 by payroll@clients"
    changes = "Intranet was StoreZero 4.00 was 5.00"
    assert read_rows(page) == [
        f"3 current 007 {date} Intranet 4.25 was 4.00 Counted again 12 May 2017, 06:00",
        f"2 superseded 007 {date} {changes} Left early {origin} in upload {upload}",
        f"1 superseded 007 {date} StoreZero 5.00 {origin}",
    ]
    assert {f"/timesheets/{first}", f"/timesheets/{first + 1}", f"/uploads/{upload}"} <= {*list_links(page)}
    assert "/timesheets?entry_id=week-19%3A1" in list_links(page)


@pytest.mark.parametrize(
    ("history", "shown", "words"),
    [
        pytest.param([build_entry("a")], 0, ["1 current", "has not been corrected"], id="uncorrected"),
        pytest.param([build_entry()], 0, ["has no entry_id , so it can never be corrected"], id="no-key"),
        pytest.param(
            [build_entry("week-19:1"), correct(2, 6), correct(3, 7)],
            0,
            ["Superseded by revision 2 . The newest is revision 3 .", "Revision 1 superseded"],
            id="superseded",
        ),
        pytest.param(
            [build_entry("week-19:1"), correct(2, 0, "On holiday")],
            1,
            ["Withdrawn: it counts for nothing", "Revision 2 withdrawn Reason On holiday"],
            id="withdrawn",
        ),
        pytest.param(
            [build_entry("week-19:1"), correct(2, 0), correct(3, 5)],
            1,
            ["Superseded by revision 3 .", "Hours 0.00", "Revision 2 superseded"],
            id="restored",
        ),
    ],
)
def test_an_entrys_page_says_what_became_of_it(
    show: Open, store: Store, history: Sequence[Entry], shown: int, words: Sequence[str]
) -> None:
    ids = [store(entry)[0] for entry in history]

    page = read_page(show(f"/timesheets/{ids[shown]}"))
    assert [text for text in words if text not in page] == []


CORRECTOR = "read:timesheets batch:upload correct:timesheets"


@pytest.mark.parametrize(
    ("scope", "entry", "is_offered"),
    [
        pytest.param(CORRECTOR, "newest", True, id="newest"),
        pytest.param(f"{CORRECTOR} read:all-timesheets", "newest", True, id="reads all"),
        pytest.param(f"{CORRECTOR} read:all-timesheets", "globex", False, id="another client's"),
        pytest.param(CORRECTOR, "superseded", False, id="superseded"),
        pytest.param(CORRECTOR, "no-key", False, id="no entry_id"),
        pytest.param("read:timesheets correct:timesheets", "newest", False, id="may not upload"),
        pytest.param("read:timesheets batch:upload", "newest", False, id="may not correct"),
    ],
)
def test_an_entrys_page_offers_to_correct_what_the_token_may(
    show: Open, store: Store, scope: str, entry: str, is_offered: bool
) -> None:
    ids = dict(zip(("superseded", "no-key"), store(build_entry("week-19:1"), build_entry()), strict=True))
    [ids["newest"]] = store(correct(2, "4.5"))
    [ids["globex"]] = store(build_entry("a"), client_id="globex")

    html = show(f"/timesheets/{ids[entry]}", scope=scope).content.decode()

    assert ('<form id="correct"' in html) == is_offered
    if is_offered:
        assert 'data-revision="2" data-date="2017-05-10T17:40:20.095Z"' in html
        assert re.findall('name="hours" value="(.*?)"', html) == ["4.5"]


@pytest.mark.parametrize("hostile", [pytest.param(SCRIPT, id="script"), pytest.param(OVERRIDE, id="bidi")])
def test_text_of_an_entry_affects_nothing_around_it(show: Open, store: Store, hostile: str) -> None:
    store(build_entry("week-19:1", user_id=hostile, project=f"{hostile}1"))
    [second] = store(correct(2, 6, f"{hostile}!", user_id="007"), subject=f"{hostile}2")

    html = show(f"/timesheets/{second}").content.decode()

    # Each is at the start of a paragraph of its own, or isolated from the rest of its line.
    page = re.sub(r'<pre class="wire".*?</pre>', "", html, flags=re.DOTALL)
    around = re.findall(rf"<(\w+)[^<>]*>{re.escape(escape(hostile))}", page)
    assert set(around) == {"bdi", "dd", "div"}
    assert len(around) == page.count(escape(hostile)) == 8
    assert SCRIPT not in html


def test_a_history_of_a_thousand_revisions_shows_the_newest(show: Open, store: Store) -> None:
    [first] = store(build_entry("week-19:1"))
    statements = count_statements(show, f"/timesheets/{first}")
    row = Timesheet.objects.values("client_id", "user_id", "project", "date", "received_at").get(pk=first)
    Timesheet.objects.bulk_create(
        Timesheet(**row, entry_id="week-19:1", revision=revision, hours=revision % 24, reason="Again")
        for revision in range(2, 1_001)
    )

    page = show(f"/timesheets/{first}")

    rows = read_rows(page)
    assert len(rows) == MAX_REVISIONS
    assert rows[0].startswith("1000 current")
    assert rows[-1].startswith("951 superseded")
    assert "was" in rows[-1]
    assert "These are only the 50 newest revisions." in read_page(page)
    assert count_statements(show, f"/timesheets/{first}") <= statements


def count_statements(show: Open, path: str, accept: str = "text/html") -> int:
    """Without the one about the client itself, which a process runs every two seconds."""
    with CaptureQueriesContext(connection) as queries:
        assert show(path, accept).status_code == 200
    return sum("timesheets_clientstop" not in query["sql"] for query in queries)


@pytest.mark.parametrize(
    ("path", "model", "find"),
    [("/timesheets/{}", Timesheet, find_timesheet), ("/uploads/{}", Upload, find_receipt)],
    ids=["entry", "receipt"],
)
def test_only_a_page_reads_more_than_its_body(
    show: Open, deliver: Deliver, issuer: Issuer, path: str, model: Any, find: Callable[..., Any]
) -> None:
    deliver(build_entry("week-19:1"))
    row_id = model.objects.get().pk
    with CaptureQueriesContext(connection) as needed:
        assert find(Reach(own=ClientKey(issuer.url, "payroll", "")), row_id)

    json = count_statements(show, path.format(row_id), "application/json")

    assert json == len(needed) < count_statements(show, path.format(row_id))


@pytest.mark.parametrize("path", ["/timesheets/{row}", "/uploads/{upload}"])
@pytest.mark.parametrize(
    ("claims", "status"), [({"azp": "reporting"}, 404), ({"scope": "batch:upload"}, 403)]
)
def test_a_page_shows_nothing_to_those_who_may_not_read_it(
    show: Open, deliver: Deliver, path: str, claims: dict[str, str], status: int
) -> None:
    upload = deliver(build_entry("week-19:1"))

    page = show(path.format(row=Timesheet.objects.get().pk, upload=upload), **claims)

    assert page.status_code == status
    assert "StoreZero" not in read_page(page)
    assert "81234" not in read_page(page)


def test_a_page_whose_database_fails_while_it_is_rendered_is_unavailable(show: Open, store: Store) -> None:
    [timesheet_id] = store(build_entry("week-19:1"))

    def fail_on_history(execute: Any, sql: str, *arguments: Any) -> Any:
        if "ORDER BY revision DESC" in sql:
            raise OperationalError("the connection was lost")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail_on_history):
        page = show(f"/timesheets/{timesheet_id}")

    assert page.status_code == 503
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Retry-After"] == "5"


# The list of entries


def read_list(response: ClientResponse) -> list[str]:
    """The text of each row of the list, and of the head of each day."""
    rows = re.findall("<tr[^>]*>(.*?)</tr>", response.content.decode().split("</thead>")[-1], re.DOTALL)
    return [read_text(row) for row in rows]


def test_the_list_marks_what_was_corrected_or_withdrawn(show: Open, store: Store) -> None:
    store(build_entry("week-19:1"), build_entry("plain"), build_entry())
    store(correct(2, 4))
    store(correct(3, 0))

    day, *rows = read_list(show("/timesheets"))

    assert day == "Wed, 10 May 2017 Sum: 10.00"
    assert [row.split("StoreZero ")[1] for row in rows] == [
        "0.00 17:40 3 withdrawn",
        "4.00 17:40 2 superseded",
        "5.00 17:40",
        "5.00 17:40",
        "5.00 17:40 1 superseded",
    ]
    assert len(read_list(show("/timesheets?entry_id=week-19:1"))) == 4
    assert len(read_list(show("/timesheets?current=true"))) == 3


def test_the_list_groups_entries_by_day_and_adds_them_up(show: Open, store: Store, settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"
    midnight = datetime(2017, 5, 10, 22, tzinfo=UTC)
    store(build_entry("week-19:1"), build_entry("b", date=midnight, hours=Decimal("7.25")))
    store(correct(2, 4))

    page = show("/timesheets")

    days = [row for row in read_list(page) if "Sum: " in row]
    assert days == ["Thu, 11 May 2017 Sum: 7.25", "Wed, 10 May 2017 Sum: 4.00"]
    assert "11.25 hours in 2 current entries. 1 superseded or withdrawn entry does not" in read_page(page)
    # Sent as a date, so without a time.
    assert [row for row in read_list(page) if row.endswith("StoreZero 7.25")]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "15.00 hours in 3 entries."),
        ("?user_id=008", "5.00 hours in 1 entry."),
        ("?user_id=009", "1,008.00 hours in 42 entries."),
    ],
)
def test_a_list_on_one_page_has_a_sum(show: Open, store: Store, query: str, words: str) -> None:
    store(build_entry("a"), build_entry("b"), build_entry("c", user_id="008"))
    if "009" in query:
        store(*(build_entry(f"{each}", user_id="009", hours=Decimal(24)) for each in range(42)))

    assert words in read_page(show(f"/timesheets{query}"))


def test_a_page_begins_with_the_newest_and_ends_with_the_oldest(show: Open, store: Store) -> None:
    first, second, third = store(build_entry("a"), build_entry("b"), build_entry("c"))

    page = show("/timesheets?page_size=2&user_id=007")
    [following] = [link for link in list_links(page) if "cursor=" in link]
    last = show(f"/timesheets{following}")

    assert list_entries(page) == [third, second]
    assert list_entries(last) == [first]
    # Each day may have more on the other page, so neither has a sum.
    rows = [*read_list(page), *read_list(last)]
    assert [row.partition("StoreZero ")[2] for row in rows] == ["5.00 Wed, 10 May 2017 17:40"] * 3
    assert ["so there is no sum" in read_page(each) for each in (page, last)] == [True, True]
    assert "?order=newest&page_size=2&user_id=007" in list_links(last)


def test_each_row_has_one_link_and_the_entrys_page_has_the_others(show: Open, store: Store) -> None:
    [entry] = store(build_entry("a"))

    rows = show("/timesheets?user_id=007").content.decode().split("<tbody>")[1].split("</tbody>")[0]

    assert re.findall('href="(.*?)"|data-copy', rows) == [f"/timesheets/{entry}"]
    assert "/people/week?user_id=007&week=2017-W19" in list_links(show(f"/timesheets/{entry}"))


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/timesheets?user_id=007&current=true", "Employee 007, Only current, Entries · Timesheets"),
        ("/people/week?user_id=007&week=2017-W19", "Employee 007, 2017-W19, Hours by week · Timesheets"),
    ],
)
def test_the_title_says_what_the_page_shows(show: Open, path: str, title: str) -> None:
    [found] = re.findall("<title>(.*?)</title>", show(path).content.decode())

    assert re.sub("[\u2068\u2069]", "", unescape(found)) == title


def test_the_next_page_of_a_program_is_a_page_too(show: Open, store: Store) -> None:
    ids = store(*(build_entry(name) for name in "abcd"))
    page = show(localize(show("/timesheets?page_size=2", "application/json").json()["next"]))

    assert list_entries(page) == ids[2:]


def list_entries(response: ClientResponse) -> list[int]:
    """The ids of the entries that a page links to, in order."""
    return [int(link[12:]) for link in list_links(response) if re.fullmatch(r"/timesheets/\d+", link)]


def test_a_page_says_how_a_program_gets_the_same(show: Open, store: Store) -> None:
    ids = store(*(build_entry(f"{number}") for number in range(PEOPLES_PAGE_SIZE + 1)))

    page = show("/timesheets?user_id=007")

    asked = f"/timesheets?order=newest&page_size={PEOPLES_PAGE_SIZE}&user_id=007"
    assert f"GET {asked} Accept: application/json" in read_page(page)
    assert list_entries(page) == ids[:0:-1] == list_ids(show(asked, "application/json"))


def test_an_empty_list_explains_itself(show: Open) -> None:
    filtered = show("/timesheets?user_id=8")

    assert "has no entries yet" in read_page(show("/timesheets"))
    assert "No entries match these" in read_page(filtered)
    assert "/timesheets" in list_links(filtered)


@pytest.mark.parametrize(
    ("path", "scope", "people"),
    [
        ("/timesheets?user_id=nobody", "read:timesheets", ["007", "Bob", SCRIPT]),
        ("/corrections?date_from=2017-05-01", "read:timesheets", ["007", "Bob", SCRIPT]),
        ("/timesheets", "read:all-timesheets", ["007", "alice", "Bob", SCRIPT]),
    ],
)
def test_the_form_suggests_whom_the_newest_entries_and_the_lists_name(
    show: Open, store: Store, issuer: Issuer, path: str, scope: str, people: list[str]
) -> None:
    lister = f"lister-{uuid4()}"
    for client, name in ((lister, "Bob"), (f"other-{lister}", "alice")):
        AssignmentList.objects.create(
            issuer=issuer.url,
            client_id=client,
            content=f"user_id,project\n{name},\n",
            decided_at=RECEIVED_AT,
        )
    store(build_entry(user_id=SCRIPT, project="Intranet"), build_entry(), client_id=lister)

    html = show(path, scope=scope, azp=lister).content.decode()

    suggested = [unescape(value) for value in re.findall('<option value="([^"]*)">', html)]
    assert suggested == [*sorted(people, key=str.casefold), "Intranet", "StoreZero"]


# Sizes


@pytest.mark.parametrize("path", ["/", "/sign-in", "/docs", "/nowhere"])
def test_a_page_without_entries_is_below_10_kb(show: Open, path: str) -> None:
    assert len(show(path).content) < 10_000


LONGEST: dict[str, Any] = {"user_id": "u" * 64, "project": "p" * 128}


def test_a_full_page_of_the_longest_texts_is_below_100_kb(
    show: Open, store: Store, deliver: Deliver, upload_many: UploadMany
) -> None:
    names = ({"user_id": f"{number:064}", "project": f"{number:0128}"} for number in range(101))
    entries = (build_entry(f"{number:0128}", **each) for number, each in enumerate(names))
    upload = deliver(*entries, label="l" * 128)
    [first] = store(build_entry("e" * 128, **LONGEST))
    for revision in range(2, MAX_REVISIONS + 2):
        changes = {"revision": revision, "hours": Decimal(revision % 24), "reason": "r" * 200}
        store(build_entry("e" * 128, **LONGEST, **changes))
    for number in range(101):
        deliver(build_entry(f"{number:0126}", **LONGEST), label="l" * 128)
    unknown = {f"{number:0200}": "x" * 200 for number in range(20)}
    members = dict.fromkeys(("user_id", "date", "project", "hours", "entry_id"), "x" * 200)
    refused = [{**members, "revision": "x" * 200, "reason": "x" * 300, **unknown}] * MAX_SHOWN
    created = [make_entry(**LONGEST, entry_id=f"{each:0127}") for each in range(20)]
    rejected = upload_many([*refused, *created], query=f"?label={'l' * 128}").headers["Location"]

    rows = {
        f"/timesheets/{first}": MAX_REVISIONS,
        "/timesheets": PEOPLES_PAGE_SIZE,
        f"/uploads/{upload}": MAX_SHOWN,
        "/uploads": PEOPLES_PAGE_SIZE,
        rejected: MAX_SHOWN,
    }
    pages = {path: show(path) for path in rows}
    assert {path: len(read_rows(page)) for path, page in pages.items()} == rows
    assert max(len(page.content) for page in pages.values()) < 100_000


# Receipts


def test_the_list_of_receipts_links_to_each(show: Open, deliver: Deliver) -> None:
    first = deliver(build_entry("a"), build_entry("b"), label="week19.csv")
    second = deliver(build_entry("a"), build_entry("c"))

    page = show("/uploads")

    assert read_rows(page) == [
        f"Upload {second} 12 May 2017, 06:00 3 1 1 1 5.00",
        f"week19.csv , upload {first} Upload {first} 12 May 2017, 06:00 3 2 0 1 10.00",
    ]
    assert {f"/uploads/{first}", f"/uploads/{second}"} <= {*list_links(page)}
    assert len(read_rows(show("/uploads?label=week19.csv"))) == 1
    boxes = [b'name="rejected" value="true"' + state for state in (b">", b" checked>")]
    assert [
        box in show(f"/uploads{query}").content
        for box, query in zip(boxes, ("", "?rejected=true"), strict=True)
    ] == [True, True]


def test_a_receipts_page_shows_what_was_sent_and_what_became_of_it(show: Open, deliver: Deliver) -> None:
    deliver(build_entry("a"))
    upload = deliver(build_entry("a"), build_entry("b", project="Intranet"), label="week19.csv")

    page = show(f"/uploads/{upload}")

    text = read_page(page)
    assert f"week19.csv Upload {upload} Received 12 May 2017, 06:00 Sent by payroll@clients Totals" in text
    assert "Technical details Token id token-1 Request id 5fd4 Media type text/csv Size 79.3 KB" in text
    assert f"SHA-256 {'9f86' * 16} Ids from" in text
    assert "Received 3 10.25 Stored 1 5.00 Already stored 1 5.00 Rejected 1" in text
    assert 'title="81234 bytes"' in page.content.decode()
    nothing = read_page(show(f"/uploads/{deliver(build_entry('a'))}"))
    assert "This upload stored no entries." in nothing
    assert "Ids" not in nothing
    [_, created] = read_list(page)
    assert "Intranet" in created
    assert f"/timesheets?upload={upload}" in list_links(page)


def test_a_receipt_shows_the_first_entries_and_links_to_all(show: Open, deliver: Deliver) -> None:
    upload = deliver(*(build_entry(f"{number}") for number in range(MAX_SHOWN + 1)))

    page = show(f"/uploads/{upload}")

    assert len(list_entries(page)) == MAX_SHOWN + 2  # And the first and the last one.
    assert f"All {MAX_SHOWN + 1} entries that this upload stored" in read_page(page)


def test_a_receipt_shows_the_first_rejected_entries_and_links_to_all(
    show: Open, upload_many: UploadMany
) -> None:
    entry = make_entry(hours=25, project=SCRIPT, date="10.05.2017")
    path = upload_many([*[entry] * MAX_SHOWN, {"user_id": None}], NDJSON).headers["Location"]

    page, rejections = show(path), show(f"{path}/rejections")

    words = "date: Send an RFC 3339 date-time with seconds and a time zone, such as 2017-05-10T17:40:20Z"
    rows = read_rows(rejections)
    assert read_rows(page) == rows[:-1]
    assert rows[0].startswith(f"Line 1 {words}")
    assert rows[0].endswith(f"less than or equal to 24. 007 10.05.2017 {SCRIPT} 25")
    assert rows[-1].startswith(f"Line {MAX_SHOWN + 1} user_id: This field may not be null.")
    assert "None" not in rows[-1]
    assert f"{path}/rejections" in list_links(page)
    assert "More rejected entries" in read_page(page)
    wrong = re.findall('data-label="(\\w+)" class="wrong"', page.content.decode())
    assert wrong == ["Date", "Hours"] * MAX_SHOWN
    assert SCRIPT not in page.content.decode()


def test_pages_of_rejected_entries_follow_each_other(show: Open, upload_many: UploadMany) -> None:
    path = f"{upload_many([{}] * 3).headers['Location']}/rejections?page_size=2"

    page = show(path)
    [following] = [link for link in list_links(page) if link.startswith("?page_size=2&cursor=")]

    assert len(read_rows(page)) == 2
    assert len(read_rows(show(path.partition("?")[0] + following))) == 1


# Filters


@pytest.mark.parametrize(
    ("path", "filters"),
    [
        ("/timesheets", {"upload": "17", "current": "true", "entry_id": "a"}),
        ("/timesheets", {"current": "false"}),
        ("/uploads", {"label": "week19.csv", "received_since": "2017-05-10"}),
    ],
)
def test_a_form_shows_the_filters_that_were_sent(show: Open, path: str, filters: dict[str, str]) -> None:
    html = show(f"{path}?{urlencode(filters)}").content.decode()

    for name, value in filters.items() - {("current", "false")}:
        assert re.search(rf'name="{name}"[^>]* value="{re.escape(value)}"( checked)?>', html), name
    assert html.count(" checked") == (filters.get("current") == "true")


def test_a_stranger_sees_no_form(client: Client, show: Open) -> None:
    page = client.get("/timesheets?user_id=007", headers={"Accept": "text/html"})

    assert page.status_code == 401
    assert not re.search('class="(chip|filters)', page.content.decode())
