"""The sums of a person's weeks, and the charts of them."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from timesheets.browser.charts import draw_days
from timesheets.browser.weeks import WEEKS, WeekReport, limit_projects, summarize
from timesheets.formats.days import Week
from timesheets.storage.totals import Group

SHOWN = Week.parse("2026-W47")


def work(hours: object = 8, *, days: int = 0, project: str = "StoreZero") -> Group:
    """Work that many days after the Monday of the shown week."""
    return Group((project, str(SHOWN.monday + timedelta(days=days))), 1, Decimal(str(hours)))


def report(*groups: Group) -> WeekReport:
    return summarize(groups, SHOWN)


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


def test_the_weeks_before_are_added_up_newest_first() -> None:
    rows = [work(1), work(2, days=-7), work(3, days=-1), work(4, days=7 - 7 * WEEKS)]

    summary = report(*rows)

    assert [str(week) for week in summary.recent][:2] == ["2026-W47", "2026-W46"]
    assert list(summary.recent.values()) == [1, 5, *[0] * 9, 4]
    assert summary.total == 1


def test_without_work_there_are_no_projects_no_nearest_week_and_no_bars() -> None:
    summary = report()

    assert not summary.projects
    assert [*summary.days, summary.total] == [0] * 8
    assert list(summary.recent.values()) == [0] * WEEKS
    assert summary.nearest is None


def test_a_report_says_that_it_has_only_a_part_of_too_many_projects() -> None:
    groups = [work(1, project=f"p{number}") for number in range(10_001)]

    assert (report(*groups).is_part, report(*groups[1:]).is_part) == (True, False)


def test_the_nearest_week_is_the_newest_with_hours() -> None:
    assert report(work(days=-30), work(days=-20)).nearest == Week.parse("2026-W44")


def test_the_project_with_the_most_hours_is_first_and_equal_ones_are_in_order_of_name() -> None:
    rows = [work(1, project="b"), work(1, project="a"), work(3, project="c")]

    assert list(read_projects(report(*rows))) == ["c", "a", "b"]


def many_projects(count: int) -> Sequence[Group]:
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
