"""Lay out the charts of a person's weeks. Widths are in percent, so that text keeps its size on a phone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from timesheets.browser.weeks import ProjectHours, WeekReport, limit_projects
from timesheets.formats.days import Week

# The number of colors. With more projects, the last color is for the others together.
MAX_SERIES = 6

# In the chart of days: the ends of the bars in pixels, and the widths in percent.
_TOP, _BOTTOM = 24, 224
_GUTTER, _STRIDE, _BAR_WIDTH = 7.0, 13.25, 9.25
# In the chart of weeks: the height of a row, which is a link for fingers too, and widths in percent.
_ROW_HEIGHT = 28
_BAR_LEFT, _LONGEST = 30, 50
# In hours. 10,000 entries a day fit.
_STEPS = (1, 2, 4, 8, *(24 << power for power in range(14)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A part of a column, in pixels from the top. `series` is its color and pattern, from 1 on."""

    series: int
    project: ProjectHours
    hours: Decimal
    top: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A day: its left edge and its middle in percent of the width, and the top of its bar in pixels."""

    day: date
    hours: Decimal
    left: float
    middle: float
    top: float
    segments: Sequence[Segment]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line across the chart, at a number of hours."""

    hours: int
    top: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DayChart:
    """A column of segments per day. What is across is in percent, so that text keeps its size."""

    columns: Sequence[Column]
    lines: Sequence[Line]
    series: Sequence[ProjectHours]
    left: float = _GUTTER
    bottom: int = _BOTTOM
    bar_width: float = _BAR_WIDTH


def draw_days(report: WeekReport) -> DayChart:
    series = limit_projects(report.projects, MAX_SERIES)
    step = _choose_step(max(report.days))
    highest = step * max(1, math.ceil(max(report.days) / step))
    columns = [_draw_column(series, report, number, highest) for number in range(7)]
    lines = [Line(hours=hours, top=_place(hours, highest)) for hours in range(0, highest + 1, step)]
    return DayChart(columns=columns, lines=lines, series=series)


def _choose_step(hours: Decimal) -> int:
    """The distance between lines, of which there are at most four above the lowest."""
    return next(step for step in _STEPS if hours <= 4 * step)


def _place(hours: Decimal | int, highest: int) -> float:
    return round(_BOTTOM - float(hours) / highest * (_BOTTOM - _TOP), 1)


def _draw_column(series: Sequence[ProjectHours], report: WeekReport, number: int, highest: int) -> Column:
    segments: list[Segment] = []
    below = Decimal(0)
    for color, project in enumerate(series, 1):
        hours = project.days[number]
        if hours:
            top, bottom = _place(below + hours, highest), _place(below, highest)
            height = round(bottom - top, 1)
            segments.append(Segment(series=color, project=project, hours=hours, top=top, height=height))
        below += hours
    left = _GUTTER + number * _STRIDE
    return Column(
        day=report.week.days[number],
        hours=below,
        left=round(left + (_STRIDE - _BAR_WIDTH) / 2, 2),
        middle=round(left + _STRIDE / 2, 2),
        top=_place(below, highest),
        segments=segments,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekBar:
    """A row of the chart of weeks: its top in pixels, the length of its bar and its number in percent."""

    week: Week
    hours: Decimal
    top: int
    length: float
    after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekChart:
    """A row per week. Heights are in pixels, `left` in percent."""

    bars: Sequence[WeekBar]
    height: int
    left: int = _BAR_LEFT
    row_height: int = _ROW_HEIGHT


def draw_weeks(report: WeekReport) -> WeekChart:
    most = max(each.hours for each in report.recent) or 1
    lengths = [round(float(each.hours / most) * _LONGEST, 2) for each in report.recent]
    bars = [
        WeekBar(
            week=each.week,
            hours=each.hours,
            top=number * _ROW_HEIGHT,
            length=length,
            after=round(_BAR_LEFT + length + 2, 2),
        )
        for number, (each, length) in enumerate(zip(report.recent, lengths, strict=True))
    ]
    return WeekChart(bars=bars, height=_ROW_HEIGHT * len(bars))
