from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.client.reading import describe, read_mapped
from tests.client.test_map_files import write
from timesheets_client.errors import DateOrderInDoubt, InputUnreadable
from timesheets_client.reading.entries import InputEntry, RejectedEntry, Row

HEADER = "Email,Day,Project,Duration\n"
BERLIN = ZoneInfo("Europe/Berlin")


def read_one(map_file: Path, *cells: str, header: str = HEADER, zone: ZoneInfo | None = None) -> Row:
    quoted = ",".join(f'"{cell}"' for cell in cells)
    [row] = read_mapped(f"{header}{quoted}\n", map_file, zone=zone)
    return row


def read_member(member: str, map_file: Path, *cells: str, zone: ZoneInfo | None = None) -> object:
    row = read_one(map_file, *cells, zone=zone)
    assert isinstance(row, InputEntry), row
    return row.members.get(member)


def read_problem(member: str, map_file: Path, *cells: str, zone: ZoneInfo | None = None) -> str:
    """The only problem of a row, which concerns this member."""
    row = read_one(map_file, *cells, zone=zone)
    assert isinstance(row, RejectedEntry), row
    assert list(row.errors) == [member]
    return str(row.errors[member])


@pytest.mark.parametrize(
    ("layout", "cell", "expected"),
    [
        pytest.param("%d/%m/%Y", "03/04/2026", "2026-04-03", id="day first"),
        pytest.param("%d.%m.%Y", "3.4.2026", "2026-04-03", id="one digit"),
        pytest.param("%Y%m%d", "20260403", "2026-04-03", id="no separators"),
        pytest.param("%Y-%m-%d %H:%M", "2026-04-03 8:05", "2026-04-03T08:05:00+02:00", id="zone"),
        pytest.param("%Y-%m-%d %H:%M", "2026-01-03\u00a008:05", "2026-01-03T08:05:00+01:00", id="space"),
        pytest.param("%d/%m/%Y %I:%M %p", "03/04/2026 12:30 am", "2026-04-03T00:30:00+02:00", id="am"),
        pytest.param("%d/%m/%Y %I:%M %p", "03/04/2026 12:30 P.M.", "2026-04-03T12:30:00+02:00", id="pm"),
        pytest.param(
            "%Y-%m-%dT%H:%M:%S.%f%z",
            "2026-01-20T18:25:30.148+0100",
            "2026-01-20T18:25:30.148000+01:00",
            id="ISO",
        ),
        pytest.param("%d/%b/%Y", "3/apr/2026", "2026-04-03", id="name of a month"),
        pytest.param("%d %B %Y", "03 May 2026", "2026-05-03", id="whole name of a month"),
    ],
)
def test_a_date_has_the_stated_format(tmp_path: Path, layout: str, cell: str, expected: str) -> None:
    stated = write(tmp_path, date=f'column = "Day"\nformat = "{layout}"')

    assert read_member("date", stated, "a@example.com", cell, "X", "1:00", zone=BERLIN) == expected


def test_only_the_day_that_a_cell_shows_can_be_taken_from_a_time(tmp_path: Path) -> None:
    days = write(tmp_path, date='column = "Day"\nformat = "%Y-%m-%d %H:%M%z"\nonly_day = true')

    assert read_member("date", days, "a@example.com", "2026-06-01 23:30-05:00", "X", "1:00") == "2026-06-01"


def test_a_date_that_only_fits_with_day_and_month_swapped_ends_the_reading(tmp_path: Path) -> None:
    stated = write(tmp_path, date='column = "Day"\nformat = "%d/%m/%Y"')

    with pytest.raises(DateOrderInDoubt) as error:
        read_mapped(f"{HEADER}a,03/04/2026,X,1:00\na,03/13/2026,X,1:00\na,04/13/2026,X,1:00\n", stated)

    message = str(error.value)
    assert message.startswith(
        "export.csv:3: date: '03/13/2026' does not fit %d/%m/%Y, but %m/%d/%Y; nothing of"
    )
    assert message.endswith(f"state the right format in {stated}")


def test_the_option_replaces_the_time_zone_of_the_map(tmp_path: Path) -> None:
    stated = write(tmp_path, top='time_zone = "Asia/Tokyo"', date='column = "Day"\nformat = "%Y-%m-%d %H:%M"')
    cells = ("a@example.com", "2026-06-01 08:00", "X", "1:00")

    assert read_member("date", stated, *cells) == "2026-06-01T08:00:00+09:00"
    assert read_member("date", stated, *cells, zone=BERLIN) == "2026-06-01T08:00:00+02:00"


@pytest.mark.parametrize(
    ("layout", "cell", "problem"),
    [
        pytest.param(
            "%d/%m/%Y", "13/14/2026", "'13/14/2026' does not have the format %d/%m/%Y", id="no month"
        ),
        pytest.param("%d/%m/%Y", "03/04/26", "'03/04/26' does not have the format %d/%m/%Y", id="century"),
        pytest.param("%Y%m%d", "2026111", "'2026111' does not have the format %Y%m%d", id="digits"),
        pytest.param("%d.%m.%Y", "٠٣.٠٤.٢٠٢٦", "'٠٣.٠٤.٢٠٢٦' does not have", id="other digits"),
        pytest.param(
            "%Y-%m-%d %H:%M", "2026-01-20" + " " * 99 + "18:25", "does not have the format", id="wide"
        ),
    ],
)
def test_a_date_of_another_format_is_rejected(tmp_path: Path, layout: str, cell: str, problem: str) -> None:
    stated = write(tmp_path, date=f'column = "Day"\nformat = "{layout}"')

    assert problem in read_problem("date", stated, "a@example.com", cell, "X", "1:00", zone=BERLIN)


@pytest.mark.parametrize(
    ("unit", "cell", "hours"),
    [
        pytest.param('"hours"', "1.5", "1.50", id="hours"),
        pytest.param('"hours"\ndecimal = ","', "1,5", "1.50", id="comma"),
        pytest.param('"hours"', "1.005", "1.01", id="half up"),
        pytest.param('"hours"', "1.0049999", "1.00", id="down"),
        pytest.param('"seconds"', "5400", "1.50", id="seconds"),
        pytest.param('"seconds"', "18", "0.01", id="least"),
        pytest.param('"h:mm"', "1:30", "1.50", id="h:mm"),
        pytest.param('"h:mm:ss"', "24:19:36", "24.33", id="h:mm:ss"),
        pytest.param('"1h 30m"', "1h 30m", "1.50", id="words"),
        pytest.param('"1d 2h 30m"\nhours_per_day = 7.5', "1d 2h 30m", "10.00", id="days"),
        pytest.param('"1h 30m"', "45m", "0.75", id="only minutes"),
        pytest.param('"1h 30m"', "1h30min 36s", "1.51", id="seconds in words"),
    ],
)
def test_a_duration_has_the_stated_unit(tmp_path: Path, unit: str, cell: str, hours: str) -> None:
    stated = write(tmp_path, hours=f'column = "Duration"\nunit = {unit}')

    assert str(read_member("hours", stated, "a@example.com", "2026-06-01", "X", cell)) == hours


@pytest.mark.parametrize(
    ("unit", "cell", "problem"),
    [
        pytest.param('"hours"', "1,5", "'1,5' is not a duration such as 1.5", id="comma"),
        pytest.param('"hours"\ndecimal = ","', "1.5", "'1.5' is not a duration such as 1,5", id="point"),
        pytest.param('"hours"', "9" * 99, "is not a duration", id="many digits"),
        pytest.param('"h:mm"', "1:60", "'1:60' is not a duration such as 1:30", id="60 minutes"),
        pytest.param('"1h 30m"', "90", "'90' is not a duration such as 1h 30m", id="no unit"),
        pytest.param('"minutes"', "\u0669\u0660", "is not a duration such as 90", id="other digits"),
        pytest.param('"seconds"', "17.9", "'17.9' is less than 18 seconds, which are 0 hours", id="short"),
    ],
)
def test_a_duration_of_another_unit_is_rejected(tmp_path: Path, unit: str, cell: str, problem: str) -> None:
    stated = write(tmp_path, hours=f'column = "Duration"\nunit = {unit}')

    assert problem in read_problem("hours", stated, "a@example.com", "2026-06-01", "X", cell)


PERIODS = 'start = "{Day} {From}"\nend = "{To}"\nformat = "%Y-%m-%d %H:%M"\nend_format = "%H:%M"'
DATED_PERIODS = 'start = "{Day} {From}"\nend = "{End} {To}"\nformat = "%Y-%m-%d %H:%M"'
OFFSET_PERIODS = 'start = "{Day} {From}"\nend = "{Day} {To}"\nformat = "%Y-%m-%d %H:%M%z"'


@pytest.mark.parametrize(
    ("keys", "cells", "hours"),
    [
        pytest.param(PERIODS, "2026-06-01,08:00,12:20,", "4.33", id="one day"),
        pytest.param(PERIODS, "2026-06-01,22:00,06:00,", "8.00", id="over midnight"),
        pytest.param(PERIODS, "2026-10-24,22:00,06:00,", "9.00", id="clock set back"),
        pytest.param(DATED_PERIODS, "2026-06-01,22:00,06:00,2026-06-02", "8.00", id="dated end"),
    ],
)
def test_hours_are_counted_from_start_to_end(tmp_path: Path, keys: str, cells: str, hours: str) -> None:
    [entry] = read_period(write(tmp_path, hours=keys), cells)

    assert isinstance(entry, InputEntry)
    assert str(entry.members["hours"]) == hours


@pytest.mark.parametrize(
    ("keys", "cells", "problem"),
    [
        pytest.param(DATED_PERIODS, "2026-06-01,22:00,06:00,2026-06-01", "is before the start", id="before"),
        pytest.param(PERIODS, "2026-06-01,22:00,,", "'' does not have the format %H:%M", id="no end"),
        pytest.param(PERIODS, "9999-12-31,22:00,06:00,", "there is no day after 9999-12-31", id="last day"),
        pytest.param(OFFSET_PERIODS, "2026-06-01,08:00+02:60,09:00Z,", "does not have the format", id="hour"),
    ],
)
def test_a_wrong_period_is_rejected(tmp_path: Path, keys: str, cells: str, problem: str) -> None:
    [rejected] = read_period(write(tmp_path, hours=keys), cells)

    assert isinstance(rejected, RejectedEntry)
    assert problem in str(rejected.errors["hours"])


def read_period(map_file: Path, cells: str) -> Sequence[Row]:
    return read_mapped(f"Email,Project,Day,From,To,End\na@example.com,X,{cells}\n", map_file, zone=BERLIN)


@pytest.mark.parametrize(
    ("keys", "cell", "project"),
    [
        pytest.param('column = " pROJECT "', "Web", "Web", id="case"),
        pytest.param('constant = "100 %"', "Web", "100 %", id="constant"),
        pytest.param('template = "{Project}: 100 % of {Day}"', "Web", "Web: 100 % of 2026-06-01", id="join"),
        pytest.param('template = "<{Project}>"\ndefault = "none"', "", "none", id="empty template"),
        pytest.param('column = "Project"\ndefault = "Internal"', "", "Internal", id="default"),
        pytest.param('column = "Project"', "", "", id="none, for the API to refuse"),
        pytest.param('column = "Project"\nrename = {Web = "Site"}', "Web", "Site", id="renamed"),
        pytest.param('column = "Project"\nlookup = "projects.csv"', "WEB", "Site", id="looked up"),
    ],
)
def test_a_text_comes_from_columns_or_is_constant(tmp_path: Path, keys: str, cell: str, project: str) -> None:
    (tmp_path / "projects.csv").write_text("theirs,project\nWeb,Site\n")

    read = read_member("project", write(tmp_path, project=keys), "a@example.com", "2026-06-01", cell, "1:00")

    assert read == project


def test_people_are_looked_up_in_a_file_next_to_the_map(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text('\ufeff"e-mail";"user_id"\r\n\r\nAda@example.com;007\r\n')
    looked_up = write(tmp_path, user_id='column = "Email"\nlookup = "people.csv"')

    assert read_member("user_id", looked_up, "ada@EXAMPLE.com", "2026-06-01", "X", "1:00") == "007"
    problem = read_problem("user_id", looked_up, "jan@example.com", "2026-06-01", "X", "1:00")
    assert "'jan@example.com' is not in people.csv" in problem


def test_an_id_with_an_empty_part_is_rejected_and_not_replaced(tmp_path: Path) -> None:
    with_id = write(tmp_path, entry_id='template = "ours-{Project}"')

    rejected = read_one(with_id, "a@example.com", "2026-06-01", "", "1:00")

    assert isinstance(rejected, RejectedEntry)
    assert rejected.errors["entry_id"] == ["'Project' is empty, and other rows could get the same id"]
    assert rejected.members["entry_id"] == ""


def test_corrections_are_mapped_too(tmp_path: Path) -> None:
    corrections = write(
        tmp_path, entry_id='column = "Email"', revision='column = "Project"', reason='constant = "late"'
    )

    rows = read_mapped(HEADER + "a,2026-06-01,2,1:00\nb,2026-06-01,,1:00\n", corrections)

    assert [each.members.get("revision") for each in rows if isinstance(each, InputEntry)] == [2, None]
    assert describe(rows) == ["export.csv:2", "export.csv:3"]


def test_members_that_cannot_be_made_are_null_so_that_nothing_is_stored_unseen(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("e-mail,user_id\n")
    looked_up = write(
        tmp_path,
        user_id='column = "Email"\nlookup = "people.csv"',
        date='column = "Day"\nformat = "%Y-%d-%m"',
    )

    rejected = read_one(looked_up, "a@example.com", "13.04.2026", "X", "7")

    assert isinstance(rejected, RejectedEntry)
    assert set(rejected.errors) == {"user_id", "date", "hours"}
    assert rejected.members == {"user_id": None, "date": None, "project": "X", "hours": None}


SKIPS = {
    "equals": 'column = "Project"\nequals = "Total"',
    "list": 'column = "Project"\nequals = ["", "Total"]',
    "others": 'column = "Project"\nnot_equals = ["Web", "Shop"]',
    "zero": "hours = 0",
}


@pytest.mark.parametrize(
    ("condition", "cells", "reason"),
    [
        pytest.param("equals", ("Total", "9:00"), "Project is 'Total'", id="equal"),
        pytest.param("equals", ("", "9:00"), None, id="empty"),
        pytest.param("list", ("", "9:00"), "Project is empty", id="one of a list"),
        pytest.param("others", ("Lunch", "9:00"), "Project is 'Lunch'", id="not equal"),
        pytest.param("zero", ("Web", "0:00"), "it has 0 hours", id="zero"),
    ],
)
def test_rows_are_skipped_by_a_condition(
    tmp_path: Path, condition: str, cells: tuple[str, str], reason: str | None
) -> None:
    skipping = write(tmp_path, last=f"[[skip]]\n{SKIPS[condition]}")

    row = read_one(skipping, "a@example.com", "2026-06-01", *cells)

    assert describe([row]) == [f"export.csv:2: skipped: {reason}" if reason else "export.csv:2"]


def test_hours_that_round_to_zero_can_be_skipped(tmp_path: Path) -> None:
    skipping = write(tmp_path, hours='column = "Duration"\nunit = "seconds"', last="[[skip]]\nhours = 0")

    row = read_one(skipping, "a@example.com", "wrong", "X", "17")

    assert describe([row]) == ["export.csv:2: skipped: it has 0 hours"]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        pytest.param(
            "Email,Day,Task\n",
            "it lacks or repeats 'Project' (project), 'Duration' (hours); it names: 'Email'",
            id="missing",
        ),
        pytest.param(
            "EMAIL,Day,Project,Duration,email\n", "it lacks or repeats 'Email' (user_id)", id="repeated"
        ),
    ],
)
def test_a_table_without_the_columns_is_unreadable(tmp_path: Path, header: str, problem: str) -> None:
    plain = write(tmp_path)

    with pytest.raises(InputUnreadable) as error:
        read_mapped(header, plain)

    message = str(error.value)
    assert message.startswith(f"export.csv:1: the first row must have each column that {plain} names once")
    assert problem in message


def test_names_of_columns_are_equal_in_any_normal_form(tmp_path: Path) -> None:
    spanish = write(tmp_path, hours='column = "Duraci\u00f3n"\nunit = "h:mm"')

    row = read_one(spanish, "a", "2026-06-01", "X", "1:00", header="Email,Day,Project,Duracio\u0301n\n")

    assert describe([row]) == ["export.csv:2"]


def test_a_stated_encoding_is_read(tmp_path: Path) -> None:
    western = write(tmp_path, top='encoding = "Windows-1252"')

    entry, rejected = read_mapped(
        HEADER.encode() + b"a,2026-06-01,Caf\xe9 \x80,1:00\nb,2026-06-01,\x81,1:00\n", western
    )

    assert isinstance(entry, InputEntry)
    assert entry.members["project"] == "Caf\u00e9 \u20ac"
    assert isinstance(rejected, RejectedEntry)
    assert rejected.describe() == (
        "export.csv:3: byte 0x81 is no character of windows-1252, the encoding of the map"
    )


def test_a_file_whose_mark_contradicts_the_stated_encoding_is_unreadable(tmp_path: Path) -> None:
    western = write(tmp_path, top='encoding = "windows-1252"')

    with pytest.raises(InputUnreadable, match="is in UTF-8, as its first bytes say, and not in windows-1252"):
        read_mapped("\ufeffTags," + HEADER, western)


def test_a_condition_may_name_a_column_that_the_table_lacks(tmp_path: Path) -> None:
    skipping = write(tmp_path, last='[[skip]]\ncolumn = "Approval"\nequals = "Denied"\noptional = true')
    row = "a,2026-06-01,X,1:00"

    without, denied = (
        read_mapped(f"{header}\n{cells}\n", skipping)
        for header, cells in ((HEADER.strip(), row), (f"{HEADER.strip()},Approval", f"{row},Denied"))
    )

    assert describe([*without, *denied]) == [
        "export.csv:2",
        "export.csv:2: skipped: Approval is 'Denied'",
    ]


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("Email,Day,Project,Duration,Tags,Note\na,2026-06-01,X,1:00\n", "export.csv:2"),
        ("sep=;\r\nEmail;Day;Project;Duration\r\n\r\na;2026-06-01;X;1:00\r\n", "export.csv:4"),
    ],
    ids=["short row", "separators"],
)
def test_a_row_is_read_if_it_has_what_the_map_reads(tmp_path: Path, content: str, source: str) -> None:
    assert describe(read_mapped(content, write(tmp_path))) == [source]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(HEADER + "a,2026-06-01,X\n", "this row has 3 cells, and the header has 4", id="short"),
        pytest.param(HEADER + 'a,2026-06-01,"X"Y,1:00\n', "text follows a closing quote", id="quote"),
    ],
)
def test_a_row_that_is_no_row_of_the_table_is_rejected_as_text(
    tmp_path: Path, content: str, problem: str
) -> None:
    [rejected] = read_mapped(content, write(tmp_path))

    assert isinstance(rejected, RejectedEntry)
    assert problem in rejected.describe()
    assert rejected.text.startswith("a,2026-06-01")
