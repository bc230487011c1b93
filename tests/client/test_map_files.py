import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from timesheets_client.errors import ConfigurationError
from timesheets_client.reading.maps.files import load_map

VALID = {
    "user_id": 'column = "Email"',
    "date": 'column = "Day"\nformat = "%Y-%m-%d"',
    "project": 'column = "Project"',
    "hours": 'column = "Duration"\nunit = "h:mm"',
}


def write(folder: Path, **tables: str) -> Path:
    """A valid map in which these tables are replaced; `top` comes before all tables, `last` after them."""
    top, last = tables.pop("top", ""), tables.pop("last", "")
    names = {name: f"[{name}]\n{keys}" for name, keys in (VALID | tables).items()}
    (folder / "our.toml").write_text("\n".join([top, *names.values(), last]))
    return folder / "our.toml"


def explain(path: Path) -> list[str]:
    """The problems of a map, without its name."""
    with pytest.raises(ConfigurationError) as error:
        load_map(path, None)
    lines = str(error.value).split("\n")
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


@pytest.mark.parametrize(
    ("table", "keys", "problem"),
    [
        ("top", 'zone = "UTC"', "zone: there is no such key here"),
        ("last", "[task]", "task: there is no such key here"),
        ("top", 'encoding = "utf-16"', "encoding: must be utf-8, or such as windows-1252 or iso-8859-1"),
        ("top", 'encoding = "iso-8859-12"', "encoding: must be utf-8, or such as windows-1252 or iso-8859-1"),
        ("top", 'time_zone = "Berlin"', "time_zone: 'Berlin' is not a time zone such as Europe/Berlin"),
        ("top", "time_zone = 2", "time_zone: must be a text"),
        ("top", 'time_zone = ""', "time_zone: '' is not a time zone such as Europe/Berlin"),
        ("user_id", "", "user_id: needs one of the keys column, template, constant; it has none"),
        (
            "project",
            'column = "A"\nconstant = "B"',
            "project: needs one of the keys column, template, constant; it has column and constant",
        ),
        ("project", 'constant = " "', "project.constant: must not be empty"),
        ("entry_id", 'column = "Id"\nconstant = "a"', "entry_id.constant: there is no such key here"),
        (
            "entry_id",
            'template = "toggl-{Id"',
            "entry_id.template: must name columns in braces, as in {Start date} {Start time}",
        ),
        (
            "entry_id",
            'template = "toggl"',
            "entry_id.template: must name columns in braces, as in {Start date} {Start time}",
        ),
        ("entry_id", 'column = "Id"\ndefault = "1"', "entry_id.default: there is no such key here"),
        ("project", 'column = "A"\nrename = {a = 1}', "project.rename: must have only texts as values"),
        ("project", 'column = "A"\nlookup = 1', "project.lookup: must be a text"),
        (
            "date",
            'column = "Day"',
            "date.format: is missing; it says what the dates look like, such as %d/%m/%Y",
        ),
        (
            "hours",
            'column = "Duration"',
            "hours.unit: must be hours, minutes, seconds, h:mm, h:mm:ss, 1d 2h 30m or 1h 30m",
        ),
        (
            "hours",
            'column = "Duration"\nunit = "1d 2h 30m"',
            "hours.hours_per_day: must be above 0 and at most 24: how many hours 1d has, such as 8",
        ),
        (
            "hours",
            'column = "Duration"\nunit = "1d 2h 30m"\nhours_per_day = nan',
            "hours.hours_per_day: must be above 0 and at most 24: how many hours 1d has, such as 8",
        ),
        ("date", 'column = "Day"\nformat = "%d.%m.%Y"\nonly_day = 1', "date.only_day: must be true or false"),
        (
            "hours",
            'column = "Duration"\nunit = "h:mm"\ndecimal = ","',
            "hours.decimal: applies only to hours, minutes, seconds",
        ),
        ("hours", 'column = "Duration"\nunit = "hours"\ndecimal = ";"', "hours.decimal: must be . or ,"),
        (
            "hours",
            'start = "{A}"\nend = "{B}"\nformat = "%Y-%m-%dT%H:%M%z"\nunit = "hours"',
            "hours.unit: there is no such key here",
        ),
        (
            "hours",
            'start = "{A}"\nend = "{B}"\nformat = "%Y-%m-%d"',
            "hours: start and end need a time of day: %H and %M, or %I, %M and %p",
        ),
        ("last", '[[skip]]\ncolumn = "A"', "skip 1: needs column, and equals or not_equals; or hours = 0"),
        (
            "last",
            '[[skip]]\ncolumn = " "\nequals = ""',
            "skip 1: needs column, and equals or not_equals; or hours = 0",
        ),
        ("last", '[[skip]]\ncolumn = "A"\nequals = 0', "skip 1.equals: must be a text"),
        ("last", "[[skip]]\nhours = 1", "skip 1.hours: must be 0"),
        ("last", "skip = 1", "hours.skip: there is no such key here"),
        ("top", "skip = [1]", "skip 1: must be a table"),
    ],
)
def test_a_wrong_map_is_explained_by_key(tmp_path: Path, table: str, keys: str, problem: str) -> None:
    assert explain(write(tmp_path, **{table: keys})) == [problem]


def test_a_wrong_time_zone_is_the_only_problem_of_times(tmp_path: Path) -> None:
    stated = write(tmp_path, top='time_zone = "Berlin"', date='column = "Day"\nformat = "%Y-%m-%d %H:%M"')

    assert explain(stated) == ["time_zone: 'Berlin' is not a time zone such as Europe/Berlin"]


@pytest.mark.parametrize(
    ("layout", "problem"),
    [
        ('"%d.%m.%y"', "'%d.%m.%y': there is no %y; the directives are %Y %m %d %b %B %H %I %p %M %S %f %z"),
        ('"%d.%m. %d.%Y"', "'%d.%m. %d.%Y': %d is there more than once"),
        ('"%d.%m."', "'%d.%m.': a date needs %Y, %d and %m (or %b or %B, for English names of months)"),
        ('"%H:%M:%S%z"', "needs a date: %Y, %m and %d"),
        ('"%Y-%m-%d %I:%M"', "'%Y-%m-%d %I:%M': a time of day needs %H and %M, or %I, %M and %p"),
        ('"%Y-%m-%d%z"', "'%Y-%m-%d%z': %z needs a time of day"),
        ('"Y-m-d"', "'Y-m-d': it has no directive such as %Y"),
        (
            '["%d/%m/%Y", "%m/%d/%Y"]',
            "these formats disagree on the order of day and month, which is never guessed",
        ),
        ('["%d/%m/%Y", 1]', "must be a text, or a list of texts"),
        (
            '"%Y-%m-%d %H:%M"',
            'a time of day needs a time zone; state it as time_zone = "Europe/Berlin", or with --time-zone',
        ),
        ('"%d %b %Y %m"', "'%d %b %Y %m': %m is there more than once"),
    ],
)
def test_a_wrong_format_of_dates_is_explained(tmp_path: Path, layout: str, problem: str) -> None:
    stated = write(tmp_path, date=f'column = "Day"\nformat = {layout}')

    assert explain(stated) == [f"date.format: {problem}"]


def test_all_problems_of_a_map_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "our.toml").write_text('[hours]\nunit = "days"\ncolumn = "A"\n[date]\n"new\\nline" = 1')

    assert explain(tmp_path / "our.toml") == [
        "user_id: this table is missing",
        "date: needs one of the keys column, template; it has none",
        "date.format: is missing; it says what the dates look like, such as %d/%m/%Y",
        "date.new line: there is no such key here",
        "project: this table is missing",
        "hours.unit: must be hours, minutes, seconds, h:mm, h:mm:ss, 1d 2h 30m or 1h 30m",
    ]


def test_the_option_supplies_a_missing_time_zone(tmp_path: Path) -> None:
    timed = write(tmp_path, date='column = "Day"\nformat = "%Y-%m-%d %H:%M"')

    assert load_map(timed, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"[hours\n", "is not TOML: .*line 1", id="syntax"),
        pytest.param(b"a = " + b"9" * 5_000, "is not TOML", id="huge number"),
        pytest.param(b'a = "M\xfcller"', "is not in UTF-8", id="encoding"),
        pytest.param(b"a = " + b"[" * 20_000, "is nested too deeply", id="nesting"),
        pytest.param(None, "cannot be read: No such file", id="missing"),
    ],
)
def test_a_map_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "our.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=rf"^--map {path}: {problem}"):
        load_map(path, None)


@pytest.mark.parametrize(
    ("people", "problems"),
    [
        pytest.param(None, ["people.csv cannot be read: No such file or directory"], id="missing"),
        pytest.param(
            b"a@example.com,007\n", ["people.csv:1: the first row must name two columns"], id="bare"
        ),
        pytest.param(b"user_id,email\n", ["people.csv:1: the first row must name two columns"], id="order"),
        pytest.param(
            b"email,user_id\nM\xfcller,007\n", ["people.csv:2: byte 0xfc is not UTF-8"], id="encoding"
        ),
        pytest.param(b'email,user_id\n"a,007\n', ["people.csv:2: this row is not CSV"], id="open quote"),
        pytest.param(
            b"email,user_id\na," + b"7" * 2**24, ["people.csv cannot be read: it is over 16 MiB"], id="size"
        ),
        pytest.param(
            b"email;user_id\na;007\nA;008\n;009\nb;\nc\n",
            [
                "people.csv:3: its text is on an earlier line too",
                "people.csv:4: this row needs two cells, neither of them empty",
                "people.csv:5: this row needs two cells, neither of them empty",
                "people.csv:6: this row needs two cells, neither of them empty",
            ],
            id="rows",
        ),
    ],
)
def test_a_wrong_lookup_is_explained_by_line(
    tmp_path: Path, people: bytes | None, problems: list[str]
) -> None:
    if people is not None:
        (tmp_path / "people.csv").write_bytes(people)

    explained = explain(write(tmp_path, user_id='column = "Email"\nlookup = "people.csv"'))

    assert len(explained) == len(problems)
    assert all(
        line.startswith(f"user_id.lookup: {problem}")
        for line, problem in zip(explained, problems, strict=True)
    )


def test_an_explanation_quotes_nothing_from_a_lookup(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("root:$6$secret\nroot:$6$secret,x\n")

    [problem] = explain(write(tmp_path, user_id='column = "Email"\nlookup = "shadow"'))

    assert "shadow:1: the first row must name two columns, the second of them user_id" in problem
    assert "secret" not in problem


@pytest.mark.parametrize("name", ["pipe", "folder", "a\\u0000b"])
def test_a_lookup_that_is_not_a_file_is_refused_without_waiting(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    [problem] = explain(write(tmp_path, user_id=f'column = "Email"\nlookup = "{name}"'))

    assert problem.startswith("user_id.lookup: ")
    assert " cannot be read: " in problem
