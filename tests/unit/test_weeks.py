"""Weeks, and the chart of a person's week."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from timesheets.browser.weeks import draw_days
from timesheets.formats.days import Week
from timesheets.storage.totals import Group

SHOWN = Week.parse("2026-W47")


def work(hours: object = 8, *, days: int = 0, project: str = "StoreZero") -> Group:
    """Work that many days after the Monday of the shown week."""
    return Group((project, str(SHOWN.monday + timedelta(days=days))), 1, Decimal(str(hours)))


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


def test_the_parts_of_a_bar_follow_each_other_and_the_longest_bar_is_full() -> None:
    chart = draw_days([work(5), work(3, project="Intranet"), work(2, days=1, project="Intranet")], SHOWN)

    (_, monday, parts), (_, tuesday, shorter), *others = chart["days"]
    widths = {color: width for color, _, width in parts}
    assert (monday, tuesday, [hours for _, hours, _ in others]) == (8, 2, [0] * 5)
    assert widths == {chart["colors"]["StoreZero"]: 62.5, chart["colors"]["Intranet"]: 37.5}
    assert [begin for _, begin, _ in parts] == [0, parts[0][2]]
    assert shorter == [(chart["colors"]["Intranet"], 0, 25)]


@pytest.mark.parametrize(("count", "others"), [(5, set()), (6, {6}), (20, {6})])
def test_the_other_projects_together_have_the_sixth_color_which_no_project_has(
    count: int, others: set[int]
) -> None:
    groups = [work(count - number, days=number % 7, project=f"p{number}") for number in range(count)]

    chart = draw_days(groups, SHOWN)

    assert [*chart["colors"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert chart["others"] == bool(others)
    assert {color for *_, parts in chart["days"] for color, *_ in parts} == {1, 2, 3, 4, 5} | others


def test_a_project_has_the_same_color_whatever_its_rank() -> None:
    found = [
        draw_days([work(first), work(second, project="Migration")], SHOWN)["colors"]
        for first, second in ((8, 2), (2, 8))
    ]
    alone = draw_days([work(project="Migration")], SHOWN)["colors"]

    assert found[0] == found[1]
    assert alone["Migration"] == found[0]["Migration"]
