"""Lay out the charts of a person's weeks. Widths are in percent, so that text keeps its size on a phone."""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from timesheets.browser.weeks import ProjectHours, WeekReport, limit_projects

# The number of colors of projects. The color after them is for all others together.
COLORS = 5

# In the chart of days: the ends of the longest bar in pixels, and the widths in percent. The templates have
# these numbers, too.
_TOP, _BOTTOM = 24, 224
_GUTTER, _STRIDE, _BAR_WIDTH = 7.0, 13.25, 9.25
# In hours. 10,000 entries a day fit.
_STEPS = (1, 2, 4, 8, *(24 << power for power in range(14)))


def draw_days(report: WeekReport) -> Mapping[str, Any]:
    """The `columns` of the days, the `lines` across them at round hours, and the projects by color."""
    series = _choose_colors(limit_projects(report.projects, COLORS))
    step = _choose_step(max(report.days))
    highest = step * max(1, math.ceil(max(report.days) / step))
    return {
        "columns": [_draw_column(series, report, number, highest) for number in range(7)],
        "lines": [{"hours": hours, "top": _place(hours, highest)} for hours in range(0, highest + 1, step)],
        "series": series,
    }


def _choose_colors(projects: Sequence[ProjectHours]) -> Mapping[int, ProjectHours]:
    """The projects by their colors, from 1 on, in the given order.

    The name of a project decides its color, in every week and for every employee. If two names decide for the
    same, the second project gets the next color that is free.
    """
    chosen: dict[int, ProjectHours] = {}
    for project in projects:
        if project.name is None:
            chosen[COLORS + 1] = project
            continue
        first = zlib.crc32(project.name.encode())
        colors = ((first + tried) % COLORS + 1 for tried in range(COLORS))
        chosen[next(color for color in colors if color not in chosen)] = project
    return chosen


def _choose_step(hours: Decimal) -> int:
    """The distance between lines, of which there are at most four above the lowest."""
    return next(step for step in _STEPS if hours <= 4 * step)


def _place(hours: Decimal | int, highest: int) -> float:
    return round(_BOTTOM - float(hours) / highest * (_BOTTOM - _TOP), 1)


def _draw_column(
    series: Mapping[int, ProjectHours], report: WeekReport, number: int, highest: int
) -> Mapping[str, Any]:
    """A day: its left edge and its middle in percent, and the top of its bar in pixels."""
    left = _GUTTER + number * _STRIDE
    return {
        "day": report.week.days[number],
        "hours": report.days[number],
        "left": round(left + (_STRIDE - _BAR_WIDTH) / 2, 2),
        "middle": round(left + _STRIDE / 2, 2),
        "top": _place(report.days[number], highest),
        "segments": list(_draw_segments(series, number, highest)),
    }


def _draw_segments(
    series: Mapping[int, ProjectHours], number: int, highest: int
) -> Iterator[Mapping[str, Any]]:
    """The parts of a column, from the bottom up. `series` is their color and pattern."""
    below = Decimal(0)
    for color, project in series.items():
        hours = project.days[number]
        if hours:
            top = _place(below + hours, highest)
            height = round(_place(below, highest) - top, 1)
            yield {"series": color, "project": project, "hours": hours, "top": top, "height": height}
        below += hours
