from zoneinfo import ZoneInfo

import pytest

from timesheets_files.dates import DateFormat, compile_reader
from timesheets_files.members import Malformed

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        pytest.param("2026-04-03", None, "2026-04-03", id="day"),
        pytest.param("2026-04-03T08:00:00Z", None, "2026-04-03T08:00:00Z", id="UTC"),
        pytest.param("2026-04-03t08:00:00.095z", None, "2026-04-03T08:00:00.095z", id="lower case"),
        pytest.param("2026-04-03 08:00:00+02:00", None, "2026-04-03T08:00:00+02:00", id="a space for the T"),
        pytest.param("2026-04-03 08:00Z", None, "2026-04-03T08:00:00Z", id="no seconds"),
        pytest.param("2026-13-45", None, "2026-13-45", id="a nonexistent day"),
        pytest.param("2026-01-15 08:00", BERLIN, "2026-01-15T08:00:00+01:00", id="offset of the zone"),
        pytest.param("2026-07-15T08:00:00.5", BERLIN, "2026-07-15T08:00:00.5+02:00", id="in summer"),
        pytest.param("2026-01-15T08:00:00-05:00", BERLIN, "2026-01-15T08:00:00-05:00", id="its own offset"),
    ],
)
def test_only_a_time_without_an_offset_gets_that_of_the_zone(
    text: str, zone: ZoneInfo | None, expected: str
) -> None:
    assert compile_reader(DateFormat.ISO, zone)(text) == expected


NO_ISO = ("03/04/2026", "3.4.2026", "04-03-2026", "2026-4-3", "2026-04-03T", "46115", "", "٢٠٢٦-٠٤-٠٣")


@pytest.mark.parametrize(
    ("text", "zone", "problem"),
    [
        *((text, BERLIN, "is not guessed") for text in NO_ISO),
        ("2026-01-15 08:00", None, "state the zone"),
        # Ambiguous, and skipped.
        *((f"{day} 02:30", BERLIN, "twice or never") for day in ("2026-10-25", "2026-03-29")),
        ("2026-01-15 25:00", BERLIN, "no such time"),
    ],
)
def test_a_date_or_time_that_is_in_doubt_is_refused(text: str, zone: ZoneInfo | None, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        compile_reader(DateFormat.ISO, zone)(text)
