import os
from pathlib import Path

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


ENCODINGS = "encoding must be utf-8, or such as windows-1252 or iso-8859-1"
PLACEHOLDERS = "entry_id: template must name columns in braces, as in {Start date} {Start time}"
UNIT = "hours: unit must be one of hours, minutes, seconds, h:mm, h:mm:ss, 1d 2h 30m, 1h 30m"
PER_DAY = "hours: hours_per_day must be above 0 and at most 24: how many hours 1d has, such as 8"
DECIMAL = "hours: decimal must be . or , and applies only to hours, minutes and seconds"
CONDITION = "skip 1: needs column, and equals or not_equals; or only hours = 0"
SOURCES = "needs one of the keys column, template, constant; it has"
PERIOD = 'start = "{A}"\nend = "{B}"\nformat = '


@pytest.mark.parametrize(
    ("table", "keys", "problem"),
    [
        ("top", 'zone = "UTC"', "there is no key 'zone' here"),
        ("top", 'encoding = "utf-16"', ENCODINGS),
        ("top", 'encoding = "iso-8859-12"', ENCODINGS),
        ("top", 'time_zone = "Berlin"', "time_zone: 'Berlin' is not a time zone such as Europe/Berlin"),
        ("top", 'time_zone = ""', "time_zone: '' is not a time zone such as Europe/Berlin"),
        ("user_id", "", f"user_id: {SOURCES} none"),
        ("project", 'column = "A"\nconstant = "B"', f"project: {SOURCES} column and constant"),
        ("project", 'constant = " "', "project: constant must not be empty"),
        ("project", 'column = "A"\nrename = 1', "project: rename must be a table"),
        ("entry_id", 'column = "Id"\nconstant = "a"', "entry_id: there is no key 'constant' here"),
        ("entry_id", 'template = "toggl-{Id"', PLACEHOLDERS),
        ("entry_id", 'template = "toggl"', PLACEHOLDERS),
        ("hours", 'column = "Duration"', UNIT),
        ("hours", 'column = "Duration"\nunit = "1d 2h 30m"', PER_DAY),
        ("hours", 'column = "Duration"\nunit = "1d 2h 30m"\nhours_per_day = nan', PER_DAY),
        ("hours", 'column = "Duration"\nunit = "h:mm"\ndecimal = ","', DECIMAL),
        ("hours", 'column = "Duration"\nunit = "hours"\ndecimal = ";"', DECIMAL),
        ("hours", f'{PERIOD}"%Y-%m-%dT%H:%M%z"\nunit = "hours"', "hours: there is no key 'unit' here"),
        (
            "hours",
            f'{PERIOD}"%Y-%m-%d"',
            "hours: start and end need a time of day: %H and %M, or %I, %M and %p",
        ),
        ("last", '[[skip]]\ncolumn = "A"', CONDITION),
        ("last", '[[skip]]\ncolumn = " "\nequals = ""', CONDITION),
        ("last", "[[skip]]\nhours = 1", CONDITION),
        ("top", "skip = [1]", "skip 1: must be a table"),
        ("top", "skip = 1", "skip 1: must be a table"),
    ],
)
def test_a_wrong_map_is_explained_by_table(tmp_path: Path, table: str, keys: str, problem: str) -> None:
    assert explain(write(tmp_path, **{table: keys})) == [problem]


def test_a_wrong_time_zone_is_the_only_problem_of_times(tmp_path: Path) -> None:
    stated = write(tmp_path, top='time_zone = "Berlin"', date='column = "Day"\nformat = "%Y-%m-%d %H:%M"')

    assert explain(stated) == ["time_zone: 'Berlin' is not a time zone such as Europe/Berlin"]


WRONG_FORMATS = (
    "%d.%m.%y",
    "%d.%m. %d.%Y",
    "%d.%m.",
    "%H:%M%z",
    "%Y-%m-%d %I:%M",
    "%Y-%m-%d%z",
    "%d %b %Y %m",
)


@pytest.mark.parametrize(
    ("layout", "problem"),
    [
        *((f'"{each}"', f"{each!r} is not a format, which has %Y, %d and %m") for each in WRONG_FORMATS),
        ('"Y-m-d"', "'Y-m-d' is not a format"),
        ('"%Y-%m-%d%"', "'%Y-%m-%d%' is not a format"),
        ('["%d/%m/%Y", "%m/%d/%Y"]', "these formats disagree on the order of day and month"),
        ('["%d/%m/%Y", 1]', "'1' is not a format"),
        ('"%Y-%m-%d %H:%M"', "a time of day needs a time zone; state it as time_zone ="),
    ],
)
def test_a_wrong_format_of_dates_is_explained(tmp_path: Path, layout: str, problem: str) -> None:
    [explained] = explain(write(tmp_path, date=f'column = "Day"\nformat = {layout}'))

    assert explained.startswith(f"date: format: {problem}")


@pytest.mark.parametrize("member", VALID)
def test_a_member_must_be_a_table(tmp_path: Path, member: str) -> None:
    stated = write(tmp_path).read_text().replace(f"[{member}]", f"[other.{member}]")
    (tmp_path / "our.toml").write_text(f"{member} = 5\n{stated}")

    assert f"{member}: must be a table" in explain(tmp_path / "our.toml")


def test_the_problems_of_all_tables_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "our.toml").write_text('[hours]\nunit = "days"\ncolumn = "A"\n[date]\n"new\\nline" = 1')

    assert explain(tmp_path / "our.toml") == [
        "user_id: this table is missing",
        r"date: there is no key 'new\nline' here",
        "project: this table is missing",
        UNIT,
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"[hours\n", "it is not TOML: .*line 1", id="syntax"),
        pytest.param(b"a = " + b"9" * 5_000, "it is not TOML", id="huge number"),
        pytest.param(b'a = "M\xfcller"', "it is not TOML: 'utf-8' codec", id="encoding"),
        pytest.param(b"a = " + b"[" * 20_000, "it is not TOML: maximum recursion", id="nesting"),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_a_map_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "our.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=rf"^--map {path}: cannot be read: {problem}"):
        load_map(path, None)


FIRST_ROW = "people.csv:1: the first row must name two columns, the second of them user_id"
ROW = "this row needs two cells, and a text that no earlier row has"


@pytest.mark.parametrize(
    ("people", "problem"),
    [
        pytest.param(None, "people.csv cannot be read: No such file or directory", id="missing"),
        pytest.param(b"a@example.com,007\n", FIRST_ROW, id="bare"),
        pytest.param(b"user_id,email\n", FIRST_ROW, id="order"),
        pytest.param(b"email,user_id\nM\xfcller,007\n", "people.csv:2: byte 0xfc is", id="encoding"),
        pytest.param(b"email,user_id\na," + b"7" * 2**24, "people.csv cannot be read: it is not", id="size"),
        pytest.param(b"email;user_id\na;007\nA;008\n", f"people.csv:3: {ROW}", id="twice"),
        pytest.param(b"email;user_id\n;009\n", f"people.csv:2: {ROW}", id="empty cell"),
        pytest.param(b"email;user_id\nc\n", f"people.csv:2: {ROW}", id="one cell"),
    ],
)
def test_a_wrong_lookup_is_explained_by_line(tmp_path: Path, people: bytes | None, problem: str) -> None:
    if people is not None:
        (tmp_path / "people.csv").write_bytes(people)

    [explained] = explain(write(tmp_path, user_id='column = "Email"\nlookup = "people.csv"'))

    assert explained.startswith(f"user_id: lookup: {problem}")


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

    assert problem.startswith("user_id: lookup: ")
    assert " cannot be read: " in problem
