"""The maps that come with the client, each with a file of the layout that its time tracker exports."""

import re
from argparse import ArgumentTypeError
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.client.reading import iterate, read_mapped
from tests.client.runs import Run
from tests.kit.processes import REPOSITORY
from timesheets_client.argument_values import read_map, read_value
from timesheets_client.errors import ConfigurationError, DateOrderInDoubt, InputUnreadable
from timesheets_client.reading.entries import InputEntry, Row
from timesheets_client.reading.maps.files import load_map
from timesheets_client.reading.maps.shipped import FOLDER as MAPS
from timesheets_client.reading.maps.time_rules import UNITS

PAGE = (REPOSITORY / "docs/maps/README.md").read_text()

TOGGL = """\
\ufeffUser,Email,Client,Project,Description,Start date,Start time,End date,End time,Duration,Tags,Amount ()
Ada Byron,ada@example.com,,"Engines, numbers",notes,2026-06-01,21:56:56,2026-06-02,07:26:04,09:29:08,,
Ada Byron,ada@example.com,,Engines,,2026-06-03,08:00:00,2026-06-03,08:20:59,00:20:58,,
Ada Byron,ada@example.com,,Engines,,2026-06-05,02:27:16,2026-06-06,02:46:52,24:19:36,,
Ada Byron,ada@example.com,,,,2026-06-05,08:00:00,2026-06-05,09:00:00,01:00:00,,
Ada Byron,ada@example.com,,Engines,,2026-06-05,14:49:20,,,00:00:00,,
"""
CLOCKIFY = """\
"Project","User","Email","Start Date","Start Time","End Date","End Time","Duration (h)","Rate (USD)"\r
"Yaz\u0131l\u0131m","Ada","ada@example.com","30/01/2026","23:23:00","31/01/2026","00:29:00","01:06:00","75.00"\r
"STEP & PDF","Ada","ada@example.com","03/04/2026","11:00:00","03/04/2026","18:00:00","07:00:00","0.00"\r
"STEP & PDF","Ada","ada@example.com","03/04/2026","11:00:00","03/04/2026","11:00:00","00:00:00","0.00"\r
"""
CLOCKIFY_12_HOURS = """\
"Project","User","Email","Start Date","Start Time","Duration (h)"
"Big Company","Ada","ada@example.com","03/04/2026","10:23 AM","01:00:01"
"Big Company","Ada","ada@example.com","03/13/2026","12:00:05 AM","00:30:00"
"Big Company","Ada","ada@example.com","03/13/2026","12:15:00\u202fPM","00:30:00"
"""
CLOCKIFY_SPANISH = """\
"Proyecto","Usuario","Correo electr\u00f3nico","Fecha de inicio","Hora de inicio","Duraci\u00f3n (h)"
"Correos","Ada","ada@example.com","29/09/2025","15:41:00","00:30:00"
"""
HARVEST = """\
Date,Client,Project,Task,Notes,Hours,Hours Rounded,First Name,Last Name
2026-08-14,,Sauce,,"a note

on three lines",1.5,1.5,Ada,Byron
2026-08-18,,Sauce,,,1.83,2,Jan,van der Berg
"""
HARVEST_COMMA = """\
Date,Project,Notes,Hours,First Name,Last Name,Billable Rate
2026-03-04,Sauce,"","20,0",Ada,Byron,"2.000,0"
2026-03-04,Sauce,,"0,01",Ada,Byron,"100,0"
"""
KIMAI = """\
Date,From,To,Duration,Currency,Name,User,Project,"Working place","Working place",mypref
2026-06-16,12:00,12:06,0:06,EUR,Ada,ada,"project name",here,there,
2026-06-16,12:00,12:06,0:06,EUR,Ada,ada,"project name",,,
"""
KIMAI_GERMAN = """\
"Datum","Von","Bis","Dauer","Benutzer","Projekt"
"2026-04-04","09:40","11:31","6660","ada","Jarvis"
"","","","[00]:00","",""
"""
JIRA_WITH_ID = """\
\ufeff"Worklog id","Author","Issue","Project","Started","Time spent"
"13816","Ada Byron","AB-18","Engines","2026-01-20T23:25:30.148-0500","2100"
"","_","_","_","","2100"
"""
JIRA_WITHOUT_ID = """\
\ufeffProject,Issue Type,Key,Summary,Priority,Date Started,Display Name,Time Spent (h),Work Description
"Engines",Bug,AB-4,"Steam","Major",2026-02-24 21:03:48,"Ada Byron",1.5,"valves"
Total,,,,,,,1.5,
"""
TEMPO = """\
Issue Key,Issue summary,Hours,Work date,Username,Full name,Project Name,Epic Link,Billed Hours,Epic Link
AB-4,Steam,1.25,2026-6-1 00:00,ada,Ada Byron,Engines,,1,
"""
SOLIDTIME = """\
Description,Task,Project,Client,User,Start,End,Duration,Duration (decimal),Billable,Tags
valves,,Engines,,Ada Byron,2026-06-01 21:56:56,2026-06-02 07:26:04,9:29:08,9.485555555556,Yes,
valves,,Engines,,Ada Byron,2026-06-02 08:00:00,,,,Yes,
"""


def edit(name: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of an example in which texts are replaced."""
    text = (MAPS / name).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / name).write_text(text)
    return folder / name


def show(read: Iterable[Row]) -> list[str]:
    """What becomes of each row, in one line."""
    return [
        " ".join(map(str, each.members.values())) if isinstance(each, InputEntry) else each.describe()
        for each in read
    ]


DAY_FIRST = ('# format = "%d/%m/%Y"', 'format = "%d/%m/%Y"')
MONTH_FIRST = ('# format = "%m/%d/%Y"', 'format = "%m/%d/%Y"')


def test_the_map_of_clockify_leaves_the_order_of_day_and_month_to_its_user(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_map(MAPS / "clockify.toml", None)

    assert str(error.value).split("\n") == [
        "--map clockify: date: format is missing; it says what the dates look like, such as %d/%m/%Y",
        "--map clockify: to state it, edit a copy: --maps clockify > our.toml, then --map ./our.toml",
    ]
    assert show(read_mapped(CLOCKIFY, edit("clockify.toml", tmp_path, DAY_FIRST))) == [
        "ada@example.com 2026-01-30 Yaz\u0131l\u0131m 1.10",
        "ada@example.com 2026-04-03 STEP & PDF 7.00",
        "export.csv:4: skipped: Duration (h) is '00:00:00'",
    ]
    with pytest.raises(
        DateOrderInDoubt, match=r"export\.csv:2: date: '30/01/2026' does not fit %m/%d/%Y, but"
    ):
        read_mapped(CLOCKIFY, edit("clockify.toml", tmp_path, MONTH_FIRST))


TWELVE_HOURS = (
    *(('column = "Start Date"', ""), ("# time_zone", "time_zone"), ("# template", "template")),
    ('# format = "%d/%m/%Y %H:%M:%S"    # with AM and PM: ', "format = "),
)
SPANISH = (
    *(DAY_FIRST, ('"Email"', '"Correo electr\u00f3nico"'), ('"Start Date"', '"Fecha de inicio"')),
    *(('"Project"', '"Proyecto"'), ('"Duration (h)"', '"Duraci\u00f3n (h)"')),
)
GERMAN = (
    *(('"User"', '"Benutzer"'), ('"Project"', '"Projekt"'), ('"Duration"', '"Dauer"')),
    *(('unit = "h:mm"', 'unit = "seconds"'), ('"Date"', '"Datum"')),
)
COMMAS = (('decimal = "."', 'decimal = ","'),)


@pytest.mark.parametrize(
    ("name", "changes", "export", "expected"),
    [
        pytest.param(
            "toggl",
            (),
            TOGGL,
            [
                "ada@example.com 2026-06-01 Engines, numbers 9.49",
                "ada@example.com 2026-06-03 Engines 0.35",
                "ada@example.com 2026-06-05 Engines 24.33",
                "ada@example.com 2026-06-05  1.00",
                "export.csv:6: skipped: End date is empty",
            ],
            id="toggl",
        ),
        pytest.param(
            "clockify",
            TWELVE_HOURS,
            CLOCKIFY_12_HOURS,
            [
                "ada@example.com 2026-03-04T10:23:00+01:00 Big Company 1.00",
                "ada@example.com 2026-03-13T00:00:05+01:00 Big Company 0.50",
                "ada@example.com 2026-03-13T12:15:00+01:00 Big Company 0.50",
            ],
            id="clockify-with-twelve-hours-and-the-commented-lines",
        ),
        ("clockify", SPANISH, CLOCKIFY_SPANISH, ["ada@example.com 2025-09-29 Correos 0.50"]),
        (
            *("harvest", (), HARVEST),
            ["Ada Byron 2026-08-14 Sauce 1.50", "Jan van der Berg 2026-08-18 Sauce 1.83"],
        ),
        (
            *("harvest", COMMAS, HARVEST_COMMA),
            ["Ada Byron 2026-03-04 Sauce 20.00", "Ada Byron 2026-03-04 Sauce 0.01"],
        ),
        pytest.param(
            "kimai", (), KIMAI, ["ada 2026-06-16 project name 0.10"] * 2, id="kimai-repeats-columns"
        ),
        (
            *("kimai", GERMAN, KIMAI_GERMAN),
            ["ada 2026-04-04 Jarvis 1.85", "export.csv:3: skipped: Datum is empty"],
        ),
    ],
)
def test_an_export_is_read_with_a_map_and_its_changes(
    tmp_path: Path, name: str, changes: tuple[tuple[str, str], ...], export: str, expected: list[str]
) -> None:
    assert show(read_mapped(export, edit(f"{name}.toml", tmp_path, *changes))) == expected


@pytest.mark.parametrize(
    ("name", "export", "expected"),
    [
        pytest.param("jira-with-id", JIRA_WITH_ID, "Ada Byron 2026-01-20 Engines 0.58 jira-13816", id="Jira"),
        pytest.param("jira-without-id", JIRA_WITHOUT_ID, "Ada Byron 2026-02-24 Engines 1.50", id="no id"),
        pytest.param("tempo", TEMPO, "ada 2026-06-01 Engines 1.25", id="Tempo"),
        pytest.param("solidtime", SOLIDTIME, "Ada Byron 2026-06-01 Engines 9.49", id="solidtime"),
    ],
)
def test_an_export_is_read_with_the_map_as_it_is(name: str, export: str, expected: str) -> None:
    first, *others = show(read_mapped(export, MAPS / f"{name}.toml"))

    assert first == expected
    assert all(" is empty" in each for each in others)


@pytest.mark.parametrize(
    ("export", "problem"),
    [
        pytest.param(TOGGL, "this looks like a Toggl Track export: --map toggl", id="Toggl"),
        pytest.param(CLOCKIFY, "this looks like a Clockify export: --map clockify", id="Clockify"),
        pytest.param(SOLIDTIME, "this looks like a solidtime export: --map solidtime", id="solidtime"),
        pytest.param(
            CLOCKIFY_SPANISH, "the first row must name the columns user_id, date,", id="another language"
        ),
    ],
)
def test_a_file_that_fits_a_map_of_the_client_says_so(export: str, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=f"^export.csv:1: {problem}"):
        list(iterate(export, "export.csv"))


def test_a_bare_word_names_a_map_of_the_client_and_anything_else_a_file() -> None:
    assert read_map("toggl") == MAPS / "toggl.toml"
    assert [read_map(each) for each in ("./toggl", "toggl.toml")] == [Path("toggl"), Path("toggl.toml")]
    with pytest.raises(
        ArgumentTypeError, match=r"must be clockify, .* or a file such as ./our.toml, not 'tog'"
    ):
        read_value("MAP", "tog")


def test_the_maps_are_listed_and_one_is_printed_to_edit() -> None:
    listed, printed = Run(), Run()
    listed.start({}, shown_map=MAPS)
    printed.start({}, shown_map=MAPS / "toggl.toml")

    assert [line.split()[0] for line in listed.written] == sorted(path.stem for path in MAPS.glob("*.toml"))
    assert listed.written[-1].endswith("Toggl Track: Reports -> Detailed -> Export -> CSV.")
    assert "\n".join(printed.written) + "\n" == (MAPS / "toggl.toml").read_text()


def test_the_example_on_the_page_is_a_valid_map(tmp_path: Path) -> None:
    example, *_ = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    [people] = re.findall(r"^```csv\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "people.csv").write_text(people)
    (tmp_path / "example.toml").write_text(example)

    assert load_map(tmp_path / "example.toml", None)


def test_the_page_lists_every_unit() -> None:
    table = PAGE.partition("| unit | cells |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE) == list(UNITS)
