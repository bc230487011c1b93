"""Reading back on both databases: no entry is missed, no other client's is shown, no table is scanned."""

import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from tests.kit.default_database import Database, only_on
from tests.storage.entries import (
    EVERYTHING,
    PAYROLL,
    RECEIVED_AT,
    ingest,
    list_outcomes,
    make_entry,
    own,
    to_entry,
)
from tests.storage.uploads import REPORTING, repeat_while_refused, uncommitted_upload
from timesheets.models import Client, Timesheet
from timesheets.storage.changes import list_corrections
from timesheets.storage.clients import list_names
from timesheets.storage.entries import Outcome, Verdict
from timesheets.storage.queries import (
    TimesheetPage,
    TimesheetQuery,
    find_timesheet,
    list_history,
    list_timesheets,
)
from timesheets.storage.rows import Reach
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.usefixtures("database")

OTHER_ISSUERS_PAYROLL = replace(PAYROLL, issuer="https://stranger.example/")
ALL = TimesheetQuery()
OWN = own()


def read_pages(
    query: TimesheetQuery = ALL,
    *,
    page_size: int = 10,
    reach: Reach = OWN,
    max_scanned: int = 100,
) -> Iterator[TimesheetPage]:
    while True:
        page = list_timesheets(reach, query, page_size, max_scanned=max_scanned)
        yield page
        if page.next_id is None:
            return
        query = replace(query, from_id=page.next_id)


def list_ids(*pages: TimesheetPage) -> list[int]:
    return [timesheet.timesheet_id for page in pages for timesheet in page.timesheets]


def to_ids(verdicts: list[Verdict]) -> list[int]:
    return [verdict.timesheet_id for verdict in verdicts]


in_both_orders = pytest.mark.parametrize(
    "newest_first", [pytest.param(False, id="oldest-first"), pytest.param(True, id="newest-first")]
)


def in_order(ids: list[int], *, newest_first: bool) -> list[int]:
    return sorted(ids, reverse=newest_first)


def test_a_stored_entry_is_found_unchanged() -> None:
    entry = make_entry("week-19:1")
    [verdict] = ingest(entry)

    stored = find_timesheet(own(), verdict.timesheet_id)

    assert stored is not None
    assert (stored.entry, stored.received_at) == (entry._replace(revision=1), RECEIVED_AT)
    assert list_timesheets(own(), ALL, 10).timesheets == [stored]


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(REPORTING, id="another-client"),
        pytest.param(OTHER_ISSUERS_PAYROLL, id="same-client-id-at-another-issuer"),
        pytest.param(replace(PAYROLL, client_id="idle"), id="client-without-uploads"),
    ],
)
def test_another_clients_entries_are_not_found(stranger: MachineClient) -> None:
    [foreign] = to_ids(ingest(make_entry("week-19:1")))
    stored = to_ids(ingest(make_entry("week-19:1"), client=stranger)) if stranger.client_id != "idle" else []

    assert find_timesheet(own(stranger), foreign) is None
    assert list_ids(*read_pages(reach=own(stranger))) == stored
    assert list_ids(*read_pages(TimesheetQuery(entry_id="week-19:1"), reach=own(stranger))) == stored


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(TimesheetQuery(user_ids=["\N{PILE OF POO}'\"\\%s", "%s"]), id="user"),
        pytest.param(TimesheetQuery(projects=["%(a)s; --"]), id="project"),
        pytest.param(TimesheetQuery(date_from=datetime(1899, 12, 31, tzinfo=UTC)), id="earliest"),
        pytest.param(TimesheetQuery(date_to=datetime(3000, 1, 1, 23, 59, tzinfo=UTC)), id="latest"),
    ],
)
def test_a_filter_is_not_interpreted_as_sql(query: TimesheetQuery) -> None:
    entry = make_entry(user_id="\N{PILE OF POO}'\"\\%s", project="%(a)s; --")
    [stored] = to_ids(ingest(entry))

    assert list_ids(*read_pages(query)) == [stored]


def test_dates_are_compared_to_the_microsecond() -> None:
    second = datetime(2017, 5, 10, 17, 40, 20, tzinfo=UTC)
    microsecond = timedelta(microseconds=1)
    before, at, after = to_ids(
        ingest(*(make_entry(date=date) for date in (second - microsecond, second, second + microsecond)))
    )

    assert list_ids(*read_pages(TimesheetQuery(date_from=second))) == [at, after]
    assert list_ids(*read_pages(TimesheetQuery(date_to=second))) == [before]


def test_a_history_begins_with_the_newest_revision_and_has_what_each_one_replaced() -> None:
    corrections = [make_entry("a", revision=number, reason="wrong", user_id=f"{number}") for number in (2, 3)]
    first, second, third = to_ids(ingest(make_entry("a"), *corrections))
    ingest(make_entry("a"), *corrections, client=REPORTING)

    history = list_history(PAYROLL.key, "a", 10)

    assert [change.stored.timesheet_id for change in history] == [third, second, first]
    users = [(each.stored.entry.user_id, each.previous and each.previous.user_id) for each in history]
    assert users == [("3", "2"), ("2", "007"), ("007", None)]
    assert list_history(PAYROLL.key, "a", 2) == history[:2]
    assert (
        list_history(PAYROLL.key, "b", 2)
        == list_history(replace(PAYROLL, client_id="idle").key, "a", 2)
        == []
    )


@in_both_orders
def test_a_page_scans_no_more_rows_than_the_limit(*, newest_first: bool) -> None:
    ids = in_order(to_ids(ingest(*(make_entry() for _ in range(1000)))), newest_first=newest_first)

    query = TimesheetQuery(projects=["none"], newest_first=newest_first)
    pages = list(read_pages(query, max_scanned=300))

    assert list_ids(*pages) == []
    assert [page.next_id for page in pages] == [ids[300], ids[600], ids[900], None]


def test_rows_that_are_added_while_somebody_pages_newest_first_are_only_on_a_new_first_page() -> None:
    before = to_ids(ingest(*(make_entry() for _ in range(5))))
    pages = read_pages(TimesheetQuery(newest_first=True), page_size=2)

    seen = list_ids(next(pages))
    added = to_ids(ingest(make_entry(), make_entry()))
    seen += list_ids(*pages)

    assert seen == before[::-1]
    assert list_ids(next(read_pages(TimesheetQuery(newest_first=True), page_size=2))) == added[::-1]


def find_ids(*entry_ids: str) -> list[int]:
    rows = dict(Timesheet.objects.values_list("entry_id", "id"))
    return [rows[entry_id] for entry_id in entry_ids]


@only_on("postgresql")
@pytest.mark.usefixtures("clients")
def test_a_list_stops_before_an_uncommitted_upload_and_a_single_entry_is_found() -> None:
    ingest(make_entry("before"))
    with uncommitted_upload("slow"):
        [single] = to_ids(ingest(make_entry("fast")))
        seen = list_ids(*read_pages())
        newest = list_ids(*read_pages(TimesheetQuery(newest_first=True)))
        assert find_timesheet(own(), single) is not None
        for newest_first in (False, True):
            query = TimesheetQuery(entry_id="fast", newest_first=newest_first)
            assert list_ids(*read_pages(query)) == [single]

    before, slow, fast = find_ids("before", "slow", "fast")
    assert before < slow < fast
    assert seen == newest == [before]
    assert list_ids(*read_pages()) == [before, slow, fast]


def upload_twenty_times(writer: int, clients: Sequence[MachineClient] = (PAYROLL,)) -> None:
    client = clients[writer % len(clients)]
    try:
        for number in range(20):
            entries = [make_entry(f"{writer}-{number}-{row}") for row in range(1 + writer)]
            repeat_while_refused(partial(ingest, *entries, client=client))
    finally:
        connections.close_all()


BOTH = (PAYROLL, REPORTING)


@pytest.mark.parametrize(
    ("reach", "clients"),
    [
        pytest.param(OWN, [PAYROLL], id="own"),
        pytest.param(EVERYTHING, BOTH, id="everything"),
        pytest.param(Reach(own=None, client_ids=["payroll", "reporting"]), BOTH, id="two-clients"),
    ],
)
def test_a_reader_that_follows_the_pages_during_ten_uploads_misses_no_entry(
    reach: Reach, clients: Sequence[MachineClient]
) -> None:
    uploads_are_done = threading.Event()

    def follow() -> list[int]:
        seen: list[int] = []
        query = ALL
        while True:
            was_done = uploads_are_done.is_set()
            *_, last = pages = list(read_pages(query, page_size=7, reach=reach))
            recent = seen[-7:]
            seen += [timesheet_id for timesheet_id in list_ids(*pages) if timesheet_id not in recent]
            if last.timesheets:
                # Request the last page again, from its start.
                query = replace(ALL, from_id=last.timesheets[0].timesheet_id)
            if was_done:
                connections.close_all()
                return seen

    with ThreadPoolExecutor() as executor:
        reader = executor.submit(follow)
        with ThreadPoolExecutor(10) as writers:
            list(writers.map(partial(upload_twenty_times, clients=clients), range(10)))
        uploads_are_done.set()
        seen = reader.result(60)

    assert len(seen) == 20 * 55
    assert seen == list(Timesheet.objects.order_by("id").values_list("id", flat=True))


ROWS = 30_000
FILTERS: dict[str, Any] = {
    "user_ids": ["007", "008"],
    "projects": ["none"],
    "date_from": datetime(2017, 5, 12, tzinfo=UTC),
    "date_to": datetime(2017, 5, 20, tzinfo=UTC),
    "received_since": RECEIVED_AT,
    "entry_id": "row-500",
}
# The steps that the plan of a list, and the plan of a search by entry_id, may have. SQLite does not name the
# index of a constraint.
NEIGHBOR_STEPS = (
    "using revision_of_entry",
    "(client_id=? AND entry_id=? AND revision>?)",
    "(client_id=? AND entry_id=? AND revision<?)",
)
# The highest id.
MARK_STEPS = ("SEARCH timesheets_timesheet$", "Index Only Scan Backward using timesheets_timesheet_pkey")
LIST_STEPS = (*NEIGHBOR_STEPS, *MARK_STEPS, "timesheet_of_client")
UPLOAD_STEPS = (
    "using revision_of_entry",
    "(client_id=? AND entry_id=?)",
    "USING INTEGER PRIMARY KEY (rowid=?)",
    # SQLite reads the highest id, and the rows above it.
    "SEARCH timesheets_timesheet$",
    "USING INTEGER PRIMARY KEY (rowid>?)",
)
ENTRY_ID_STEPS = (
    *NEIGHBOR_STEPS,
    *MARK_STEPS,
    "(client_id=? AND entry_id=?)",
)
# What a list of every client's rows reads.
ALL_STEPS = (
    *LIST_STEPS,
    "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "Index Scan using timesheets_timesheet_pkey",
    "Index Only Scan using timesheets_timesheet_pkey",
    "Index Scan Backward using timesheets_timesheet_pkey",
)
FILTER_COMBINATIONS = [
    dict(chosen)
    for count in (0, 1, 2, len(FILTERS))
    for chosen in itertools.combinations(FILTERS.items(), count)
]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which of the rows, numbered by `n`, are another client's, and how many existed at the last ANALYZE.

    None: there was no ANALYZE.
    """

    is_of_another: str
    analyzed: int | None


MIXED = Layout(is_of_another="n % 100 = 0", analyzed=ROWS)
IN_A_BLOCK = Layout(is_of_another=f"n BETWEEN {ROWS // 2} AND {ROWS - 100}", analyzed=ROWS)


def seed(vendor: str, layout: Layout = MIXED) -> None:
    busy = Client.objects.create(issuer=PAYROLL.issuer, client_id="payroll").pk
    rare = Client.objects.create(issuer=PAYROLL.issuer, client_id="reporting").pk
    numbers = {
        "sqlite": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT {}) SELECT n FROM r",
        "postgresql": "SELECT generate_series(1, {}) AS n",
    }[vendor].format(ROWS)
    is_of_another, analyzed = layout.is_of_another, layout.analyzed
    statement = (
        "INSERT INTO timesheets_timesheet (client_id, entry_id, user_id, date, project, hours, received_at) "  # noqa: S608
        f"SELECT CASE WHEN {is_of_another} THEN {rare} ELSE {busy} END, 'row-' || n, 'user-' || n % 500, "
        f"'2017-05-10 12:00:00', 'StoreZero', 1, '2017-05-12 06:00:00' FROM ({numbers}) AS numbers"
    )
    forget_statistics(vendor)
    with connection.cursor() as cursor:
        if analyzed is not None:
            cursor.execute(f"{statement} WHERE n <= {analyzed}")
            # The databases do this from time to time. Without it they have no statistics.
            cursor.execute("ANALYZE")
        cursor.execute(f"{statement} WHERE n > {analyzed or 0}")


def forget_statistics(vendor: str) -> None:
    """Put the database into the state before the first ANALYZE."""
    with connection.cursor() as cursor:
        if vendor == "sqlite":
            cursor.execute("DROP TABLE IF EXISTS sqlite_stat1")
            # A connection caches the statistics.
            connection.close()
            return
        cursor.execute("DELETE FROM pg_statistic WHERE starelid = 'timesheets_timesheet'::regclass")
        # The table is empty. This also resets its number of rows.
        cursor.execute("TRUNCATE timesheets_timesheet")


@contextmanager
def only_steps(vendor: str, *allowed: str) -> Iterator[None]:
    """The block's statements that read the timesheets table have no other steps in their plans, nor sort."""
    with CaptureQueriesContext(connection) as queries:
        yield
    steps = list(read_plans(vendor, [query["sql"] for query in queries.captured_queries]))
    assert steps
    assert [step for step in steps if not any(text in f"{step}$" for text in allowed)] == []


def read_plans(vendor: str, statements: Sequence[str]) -> Iterator[str]:
    plan = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            if "set_config" in statement:
                cursor.execute(statement)
            elif statement.startswith("SELECT") and "pg_locks" not in statement:
                cursor.execute(f"{plan} {statement}")
                for *_, step in cursor.fetchall():
                    if re.search(r"(timesheets_timesheet|U0|later|earlier)( |$)|ORDER BY|\bSort\b", step):
                        yield step


@pytest.mark.slow
@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(MIXED, id="mixed"),
        pytest.param(IN_A_BLOCK, id="in-a-block"),
        pytest.param(replace(IN_A_BLOCK, analyzed=ROWS // 2 - 1), id="after-analyze"),
        pytest.param(replace(MIXED, analyzed=100), id="analyzed-at-a-hundred-rows"),
        pytest.param(replace(MIXED, analyzed=None), id="never-analyzed"),
    ],
)
def test_every_statement_reads_only_its_range_of_an_index(database: Database, layout: Layout) -> None:
    seed(database.vendor, layout)

    few = [{}, *({name: value} for name, value in FILTERS.items()), FILTERS]
    require_index_for_lists(database.vendor, EVERYTHING, few, ALL_STEPS)
    for client_ids in (["reporting"], ["reporting", "payroll"]):
        require_index_for_lists(database.vendor, Reach(own=None, client_ids=client_ids), few, LIST_STEPS)
    for client in (PAYROLL, REPORTING):
        require_index_for_lists(database.vendor, own(client), FILTER_COMBINATIONS, LIST_STEPS)
        require_index_for_single_keys(database.vendor, client)
        for count in (1, 1000):
            require_index_for_resent_entries(database.vendor, client, count)
    # A scan is noticed.
    with (
        pytest.raises(AssertionError, match="timesheets_timesheet"),
        only_steps(database.vendor, *LIST_STEPS),
    ):
        list(Timesheet.objects.filter(project="none"))


@only_on("postgresql")
def test_statistics_of_a_single_row_have_no_effect_on_postgresql(database: Database) -> None:
    # In these statistics, every value seems to be unique.
    seed(database.vendor, replace(MIXED, analyzed=1))

    for count in (1, 1000):
        require_index_for_resent_entries(database.vendor, PAYROLL, count)


def require_index_for_lists(
    vendor: str, reach: Reach, combinations: Sequence[dict[str, Any]], steps: Sequence[str]
) -> None:
    middle = Timesheet.objects.order_by("id")[ROWS // 2].pk
    for filters, from_id, newest_first in itertools.product(combinations, (None, middle), (False, True)):
        query = TimesheetQuery(**filters, from_id=from_id, newest_first=newest_first)
        with only_steps(vendor, *(ENTRY_ID_STEPS if "entry_id" in filters else steps)):
            list_timesheets(reach, query, 10, max_scanned=1000)
    with only_steps(vendor, "(client_id=? AND entry_id=? AND revision=?)", *steps):
        list_corrections(reach, TimesheetQuery(user_ids=("007",), from_id=middle), 10, 1000)
    # The lists of assignments have an index of their own.
    with only_steps(vendor, "list_of_client", "assignmentlist", *steps):
        assert list_names(reach).projects == ["StoreZero"]


def require_index_for_single_keys(vendor: str, client: MachineClient) -> None:
    keys = Timesheet.objects.filter(client__client_id=client.client_id).values_list("entry_id", flat=True)
    for entry_id in (keys[0], "row-of-nobody"):
        with only_steps(vendor, *ENTRY_ID_STEPS):
            list_history(client.key, str(entry_id), 10)
    timesheet_id = Timesheet.objects.order_by("id")[ROWS // 2].pk
    with only_steps(vendor, *LIST_STEPS):
        find_timesheet(own(client), timesheet_id)


def require_index_for_resent_entries(vendor: str, client: MachineClient, count: int) -> None:
    sent = Timesheet.objects.filter(client__client_id=client.client_id).order_by("id")[:count]
    entries = [to_entry(row) for row in sent]

    # Within a transaction, the upload uses this connection.
    with only_steps(vendor, *UPLOAD_STEPS), transaction.atomic():
        verdicts = ingest(*entries, client=client)

    assert set(list_outcomes(verdicts)) == {Outcome.EXISTING}


@only_on("postgresql")
def test_planner_settings_end_with_the_upload_or_the_list(database: Database) -> None:
    for _ in range(2):
        ingest(make_entry("a"))
        list(read_pages())

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_sort'), current_setting('enable_incremental_sort')")
        assert cursor.fetchone() == ("on", "on")
