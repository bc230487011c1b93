from zoneinfo import ZoneInfo

import pytest

from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.members import Malformed

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-04-03", "2026-04-03", id="day"),
        pytest.param("2026-04-03T08:00:00Z", "2026-04-03T08:00:00Z", id="UTC"),
        pytest.param("2026-04-03t08:00:00.095z", "2026-04-03T08:00:00.095z", id="lower case"),
        pytest.param("2026-04-03 08:00:00+02:00", "2026-04-03T08:00:00+02:00", id="a space for the T"),
        pytest.param("2026-04-03 08:00Z", "2026-04-03T08:00:00Z", id="no seconds"),
        pytest.param("2026-13-45", "2026-13-45", id="a nonexistent day"),
    ],
)
def test_a_date_needs_no_time_zone(text: str, expected: str) -> None:
    assert compile_reader(DateFormat.ISO, None)(text) == expected


@pytest.mark.parametrize(
    "text", ["03/04/2026", "3.4.2026", "04-03-2026", "2026-4-3", "2026-04-03T", "46115", "", "٢٠٢٦-٠٤-٠٣"]
)
def test_a_date_that_is_not_iso_is_not_guessed(text: str) -> None:
    with pytest.raises(Malformed, match="is not guessed"):
        compile_reader(DateFormat.ISO, BERLIN)(text)


def test_a_time_without_an_offset_gets_the_offset_of_the_zone() -> None:
    assert compile_reader(DateFormat.ISO, BERLIN)("2026-01-15 08:00") == "2026-01-15T08:00:00+01:00"
    assert compile_reader(DateFormat.ISO, BERLIN)("2026-07-15T08:00:00.5") == "2026-07-15T08:00:00.5+02:00"


def test_a_time_keeps_its_own_offset() -> None:
    assert compile_reader(DateFormat.ISO, BERLIN)("2026-01-15T08:00:00-05:00") == "2026-01-15T08:00:00-05:00"


def test_a_time_without_an_offset_or_a_zone_is_refused() -> None:
    with pytest.raises(Malformed, match="state the zone"):
        compile_reader(DateFormat.ISO, None)("2026-01-15 08:00")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-10-25 02:30", id="ambiguous"),
        pytest.param("2026-03-29 02:30", id="skipped"),
    ],
)
def test_an_ambiguous_or_skipped_local_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="twice or never"):
        compile_reader(DateFormat.ISO, BERLIN)(text)


def test_a_nonexistent_time_of_day_is_refused() -> None:
    with pytest.raises(Malformed, match="no such time"):
        compile_reader(DateFormat.ISO, BERLIN)("2026-01-15 25:00")
