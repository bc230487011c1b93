"""The sums of a person's weeks, and the charts of them."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from timesheets.browser.charts import draw_days, draw_weeks
from timesheets.browser.weeks import WEEKS, WeekReport, find_bounds, limit_projects, summarize
from timesheets.formats.days import Week
from timesheets.storage.entries import Entry
from timesheets.storage.queries import StoredEntry

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
SHOWN = Week.parse("2026-W47")
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def work_at(moment: datetime, hours: object, project: str = "StoreZero", *, old: bool = False) -> StoredEntry:
    return StoredEntry(
        timesheet_id=1,
        entry=Entry(user_id="007", date=moment.astimezone(UTC), project=project, hours=Decimal(str(hours))),
        received_at=MONDAY,
        subject=None,
        upload_id=None,
        supersedes=None,
        superseded_by=2 if old else None,
    )


def work(hours: object = 8, *, days: float = 0, project: str = "StoreZero", old: bool = False) -> StoredEntry:
    """Work that many days after the Monday of the shown week."""
    return work_at(MONDAY + timedelta(days=days), hours, project, old=old)


def report(*rows: StoredEntry, week: Week = SHOWN, zone: ZoneInfo = UTC_ZONE) -> WeekReport:
    return summarize(rows, week, zone)


def read_projects(summary: WeekReport) -> dict[str | None, list[str]]:
    return {project.name: [f"{hours:.2f}" for hours in project.days] for project in summary.projects}


# Weeks


@pytest.mark.parametrize(
    ("day", "name", "monday"),
    [
        *(("2026-11-25", "2026-W48", "2026-11-23"), ("2026-11-22", "2026-W47", "2026-11-16")),
        # A year with 53 weeks, whose last one has days of January, and a first week with days of December.
        *((day, "2026-W53", "2026-12-28") for day in ("2026-12-31", "2027-01-03")),
        ("2024-12-30", "2025-W01", "2024-12-30"),
        # The first and the last week.
        *(("1901-01-01", "1901-W01", "1900-12-31"), ("2998-12-30", "2998-W52", "2998-12-24")),
    ],
)
def test_a_week_begins_on_monday_and_has_the_number_of_iso_8601(day: str, name: str, monday: str) -> None:
    week = Week.of(date.fromisoformat(day))

    assert (str(week), week.monday.isoformat()) == (name, monday)
    assert Week.parse(name) == week
    assert (week.days[0], week.days[-1], len(week.days)) == (week.monday, week.sunday, 7)


def test_the_week_after_the_last_of_a_year_is_the_first_of_the_next() -> None:
    assert str(Week.parse("2026-W53").next) == "2027-W01"
    assert str(Week.parse("2027-W01").previous) == "2026-W53"


@pytest.mark.parametrize(
    "name",
    ["2026-W54", "2027-W53", "2026-W00", "2026-W7", "2026W47", "2026-w47", "2026-W47 ", "", "1900-W52",
     "2999-W01", "0000-W01", "\N{ARABIC-INDIC DIGIT TWO}026-W47", "2026-11-25"],
)  # fmt: skip
def test_a_name_that_no_week_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"week|far|range"):
        Week.parse(name)


# Sums


def test_hours_are_added_up_by_project_and_day() -> None:
    rows = [work(5), work("2.5"), work("0.25", days=6), work(1, days=2, project="Intranet")]

    summary = report(*rows)

    assert read_projects(summary) == {
        "StoreZero": ["7.50", "0.00", "0.00", "0.00", "0.00", "0.00", "0.25"],
        "Intranet": ["0.00", "0.00", "1.00", "0.00", "0.00", "0.00", "0.00"],
    }
    assert " ".join(f"{hours:.2f}" for hours in summary.days) == "7.50 0.00 1.00 0.00 0.00 0.00 0.25"
    assert (summary.total, summary.projects[0].total) == (Decimal("8.75"), Decimal("7.75"))


def test_hundredths_are_added_up_exactly() -> None:
    summary = report(*[work("0.01")] * 70, *[work("0.07", days=1)] * 100)

    assert [str(hours) for hours in summary.days[:2]] == ["0.70", "7.00"]
    assert str(summary.total) == "7.70"


def test_the_weeks_before_are_added_up_newest_first() -> None:
    rows = [work(1), work(2, days=-7), work(3, days=-0.01), work(4, days=7 - 7 * WEEKS)]

    summary = report(*rows)

    assert [str(week) for week in summary.recent][:2] == ["2026-W47", "2026-W46"]
    assert list(summary.recent.values()) == [1, 5, *[0] * 9, 4]
    assert summary.total == 1


def test_an_entry_at_midnight_belongs_to_the_day_that_begins() -> None:
    midnight = datetime(2026, 11, 17, tzinfo=BERLIN)
    rows = [work_at(midnight + timedelta(days=days, microseconds=-days), 24) for days in (0, 1)]

    assert list(report(*rows, zone=BERLIN).days) == [0, 48, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("week", "zone", "lengths"),
    [
        pytest.param("2026-W13", "Europe/Berlin", [24] * 6 + [23], id="clocks-go-forward"),
        pytest.param("2026-W43", "Europe/Berlin", [24] * 6 + [25], id="clocks-go-back"),
        pytest.param("2026-W43", "UTC", [24] * 7, id="utc"),
        pytest.param("2018-W44", "America/Sao_Paulo", [24] * 6 + [23], id="midnight-is-skipped"),
        pytest.param("2011-W52", "Pacific/Apia", [24, 24, 24, 24, 0, 24, 24], id="day-is-skipped"),
    ],
)
def test_a_day_is_as_long_as_the_clocks_of_the_zone_say(week: str, zone: str, lengths: list[int]) -> None:
    *_, monday, _, _, _, _, _, _, end = bounds = find_bounds(Week.parse(week), ZoneInfo(zone))

    hours = [(after - before).total_seconds() / 3600 for before, after in itertools.pairwise(bounds)]
    assert hours[-7:] == lengths
    assert (len(bounds), end - monday) == (7 * WEEKS + 1, timedelta(hours=sum(lengths)))


def test_an_hour_that_occurs_twice_belongs_to_the_day_that_the_lists_filter_says() -> None:
    # Here the clocks went back from 0:01 on Sunday to 23:01 on Saturday, so midnight occurred twice.
    st_johns, week = ZoneInfo("America/St_Johns"), Week.parse("2010-W44")
    sunday = find_bounds(week, st_johns)[-2]
    rows = [work_at(sunday + timedelta(minutes=minutes), 1) for minutes in (-1, 0, 30, 61, 25 * 60 - 1)]

    assert list(report(*rows, week=week, zone=st_johns).days[-2:]) == [1, 4]


def test_superseded_and_withdrawn_rows_of_the_week_are_counted_but_not_added_up() -> None:
    rows = [
        work(1), work(2, old=True), work(3, days=6, old=True), work(0),
        work(0, old=True), work(4, days=-1, old=True), work(0, days=-1),
    ]  # fmt: skip

    summary = report(*rows)

    assert (int(summary.total), summary.superseded, summary.withdrawn) == (1, 3, 1)
    assert list(summary.recent.values()) == [1, *[0] * 11]


def test_a_project_with_nothing_but_withdrawn_work_is_left_out() -> None:
    assert list(read_projects(report(work(1), work(0, project="Intranet")))) == ["StoreZero"]


def test_without_work_there_are_no_projects_no_nearest_week_and_no_bars() -> None:
    summary = report()

    assert not summary.projects
    assert [*summary.days, summary.total] == [0] * 8
    assert list(summary.recent.values()) == [0] * WEEKS
    assert summary.nearest is None
    assert {bar["length"] for bar in draw_weeks(summary)} == {0}


def test_the_nearest_week_is_the_newest_with_hours() -> None:
    assert report(work(days=-30), work(days=-20)).nearest == Week.parse("2026-W44")


def test_the_project_with_the_most_hours_is_first_and_equal_ones_are_in_order_of_name() -> None:
    rows = [work(1, project="b"), work(1, project="a"), work(3, project="c")]

    assert list(read_projects(report(*rows))) == ["c", "a", "b"]


def many_projects(count: int) -> Sequence[StoredEntry]:
    return [work(count - number, days=number % 7, project=f"p{number}") for number in range(count)]


@pytest.mark.parametrize(("projects", "names"), [(6, 6), (7, 6)])
def test_projects_beyond_the_limit_are_added_up(projects: int, names: int) -> None:
    summary = report(*many_projects(projects))

    limited = limit_projects(summary.projects, 6)

    assert [project.name for project in limited[:names]] == [f"p{number}" for number in range(names)]
    assert [project.name for project in limited[names:]] == ([None] if projects > 6 else [])
    assert sum(project.total for project in limited) == summary.total


# Charts


def test_segments_are_stacked_without_gaps_from_the_bottom_up() -> None:
    chart = draw_days(report(work(5), work(3, project="Intranet"), work(1, days=1, project="Intranet")))

    monday, tuesday, *others = chart["columns"]
    below, above = monday["segments"]
    bottom = chart["lines"][0]["top"]
    assert above["series"] == tuesday["segments"][0]["series"] != below["series"]
    assert (below["top"] + below["height"], above["top"] + above["height"]) == (bottom, below["top"])
    assert above["top"] == monday["top"] < tuesday["top"] < bottom
    assert below["height"] / above["height"] == pytest.approx(5 / 3)
    assert [(day["hours"], day["segments"], day["top"]) for day in others] == [(0, [], bottom)] * 5


@pytest.mark.parametrize(
    ("hours", "lines"),
    [
        (["0.01"], [0, 1]),
        ([4], [0, 1, 2, 3, 4]),
        (["7.75"], [0, 2, 4, 6, 8]),
        ([24], [0, 8, 16, 24]),
        ([24, "0.25"], [0, 8, 16, 24, 32]),
        ([24] * 10_000, [0, 98304, 196608, 294912]),
    ],
    ids=["least", "on-a-line", "usual", "whole-day", "more-than-a-day", "absurd"],
)
def test_the_lines_are_at_round_hours_and_reach_over_each_bar(hours: list[object], lines: list[int]) -> None:
    chart = draw_days(report(*(work(each) for each in hours)))

    lowest, *_, highest = chart["lines"]
    assert [line["hours"] for line in chart["lines"]] == lines
    assert highest["top"] <= chart["columns"][0]["top"] < lowest["top"]


@pytest.mark.parametrize("count", [6, 20])
def test_the_other_projects_together_have_the_sixth_color_which_no_project_has(count: int) -> None:
    chart = draw_days(report(*many_projects(count)))

    assert [project.name for project in chart["series"].values()] == ["p0", "p1", "p2", "p3", "p4", None]
    assert sorted(chart["series"]) == [1, 2, 3, 4, 5, 6]
    assert chart["series"][6].name is None
    colors = {each["series"] for column in chart["columns"] for each in column["segments"]}
    assert colors == {1, 2, 3, 4, 5, 6}


def test_a_project_has_the_same_color_whatever_its_rank() -> None:
    names = ["StoreZero", "Migration"]
    hours = ((8, 2), (2, 8), (0, 8), (8, 0))

    found = [
        (project.name, color)
        for each in hours
        for color, project in draw_days(
            report(*(work(many, project=name) for name, many in zip(names, each, strict=True) if many))
        )["series"].items()
    ]

    assert len(found) == 6
    assert len(set(found)) == 2


def test_the_longest_bar_is_the_week_with_the_most_hours() -> None:
    before, longest, idle, *_ = draw_weeks(report(work(10), work(20, days=-7)))

    assert (before["length"], idle["length"]) == (longest["length"] / 2, 0)
    assert before["top"] < longest["top"] < idle["top"]
    assert longest["after"] < 85
