"""Totals have what the list has, added up, on both databases.

TOTAL_EXAMPLES is how many totals to try. The default is 100.
"""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.kit.default_database import Database
from tests.kit.examples import try_examples
from tests.storage.entries import EVERYTHING, PAYROLL, ingest, make_entry, own
from timesheets.models import Timesheet
from timesheets.storage.queries import StoredEntry, TimesheetQuery, list_timesheets
from timesheets.storage.rows import Reach
from timesheets.storage.totals import KEYS, add_up

ACME = replace(PAYROLL, organization="org_acme")
FORMER = replace(PAYROLL, issuer="https://former.example/")
CLIENTS = [
    PAYROLL,
    ACME,
    FORMER,
    replace(PAYROLL, client_id="\N{PILE OF POO}"),
    replace(PAYROLL, client_id="z"),
]
REACHES = [
    own(),
    own(ACME),
    EVERYTHING,
    *(Reach(own=None, client_ids=ids) for ids in (["payroll", "z"], ["x"])),
]
# An offset of 30 minutes, changes of the clock at midnight and on other days, and a date line that moved.
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Africa/Cairo", "Pacific/Apia", "Asia/Kolkata"]
# Around changes of the clock, the end of a year and of a leap year's first week.
MOMENTS = [
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2020, 12, 31, 23, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 5, 31, 22, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 59, 59, 999999, tzinfo=UTC),
]


def store_entries() -> None:
    chosen = random.Random(7)  # noqa: S311
    for number in range(150):
        revision = number // 10 + 1
        shift = chosen.choice(
            [timedelta(0), timedelta(microseconds=-1), timedelta(minutes=chosen.randint(-3000, 3000))]
        )
        hours = Decimal(chosen.choice([1, 10, 29, 115, 2400])) / 100
        work = {
            "date": chosen.choice(MOMENTS) + shift,
            "user_id": chosen.choice(["007", "7", "a", "B", "\N{SNOWMAN}"]),
            "project": chosen.choice(["x", "Y", "\N{PILE OF POO}"]),
            "hours": hours,
        }
        changes = {"revision": revision, "reason": "wrong", "hours": hours * chosen.choice([0, 1])}
        # For each client, entries with up to 15 revisions, and entries that nobody can correct.
        ingest(
            make_entry(f"{number % 10}", **{**work, **(changes if revision > 1 else {})}),
            client=CLIENTS[number % 5],
        )
        ingest(make_entry(None, **work), client=chosen.choice(CLIENTS))


def name(stored: StoredEntry, reach: Reach, key: str, zone: ZoneInfo) -> tuple[str, ...]:
    day = stored.entry.date.astimezone(zone).date()
    owner = stored.owner or reach.own or PAYROLL.key
    year, week, _ = day.isocalendar()
    return {
        "user_id": (stored.entry.user_id,),
        "project": (stored.entry.project,),
        "client": (owner.client_id, owner.organization),
        "day": (str(day),),
        "week": (f"{year}-W{week:02}",),
        "month": (str(day)[:7],),
    }[key]


def sometimes(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


moments = st.builds(
    lambda moment, minutes: moment + timedelta(minutes=minutes),
    st.sampled_from(MOMENTS),
    st.integers(-3000, 3000),
)
queries = st.builds(
    TimesheetQuery,
    user_ids=st.lists(st.sampled_from(["007", "B", "nobody"]), max_size=2),
    projects=st.lists(st.sampled_from(["x", "Y"]), max_size=2),
    date_from=sometimes(moments),
    date_to=sometimes(moments),
)


@try_examples("TOTAL_EXAMPLES", 100)
@given(
    data=st.data(),
    reach=st.sampled_from(REACHES),
    query=queries,
    by=st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_the_groups_have_what_the_list_has(
    database: Database,
    data: st.DataObject,
    reach: Reach,
    query: TimesheetQuery,
    by: list[str],
    zone: ZoneInfo,
) -> None:
    if not Timesheet.objects.exists():
        store_entries()
    ids = list(Timesheet.objects.order_by("id").values_list("id", flat=True))
    query = replace(query, as_of=data.draw(sometimes(st.sampled_from(ids))))

    groups, as_of = add_up(reach, query, by, zone)

    expected: dict[tuple[str, ...], list[Decimal]] = defaultdict(list)
    for stored in list_timesheets(reach, replace(query, is_current=True), 1000).timesheets:
        expected[sum((name(stored, reach, key, zone) for key in by), ())].append(stored.entry.hours)
    assert [(tuple(each.names), each.entries, each.hours) for each in groups] == [
        (names, len(hours), sum(hours)) for names, hours in sorted(expected.items())
    ]
    assert as_of == (query.as_of or ids[-1])
