"""An entry gets the same verdict and the same messages in every format and on every path."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from tests.api.conftest import TUTORIAL_ENTRY, Upload
from tests.kit.django_client import ClientResponse
from tests.kit.examples import try_examples
from timesheets.exceptions import InvalidEntry
from timesheets.models import Timesheet
from timesheets.parsers import read_json
from timesheets.serializers import EntrySerializer, parse_entry, represent_entry
from timesheets.storage.entries import Entry
from timesheets_files.limits import TIMESTAMP

# With --all, 500.
try_many = try_examples("API_EXAMPLES", 60)
COLUMNS = ("user_id", "date", "project", "hours", "entry_id")
# Characters that Unicode, Python or a person treats as white space or as nothing.
BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u180e\u2000\u2009"
    "\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
ZONES = (
    *("UTC", "Europe/Berlin", "Europe/Amsterdam", "America/Sao_Paulo", "America/Toronto", "America/St_Johns"),
    *("America/Havana", "Pacific/Apia", "Asia/Amman", "Asia/Kathmandu", "Africa/Cairo", "Africa/Monrovia"),
)
# Days whose midnight one of the zones skips or repeats, and the first and last valid days.
ODD_DAYS = """
1900-01-01 1919-03-31 1972-01-07 1987-10-25 2011-12-30 2012-10-26 2014-05-16 2016-11-06 2018-11-04 2999-12-31
"""


@dataclass(frozen=True)
class Spelling:
    """An entry as JSON text: the name of each member and the text of its value."""

    members: Sequence[tuple[str, str]]

    @property
    def json(self) -> str:
        return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in self.members) + "}"

    @property
    def csv(self) -> str | None:
        """The entry as CSV; None if a column is missing, a value is not text, or CSV reads it otherwise."""
        values = {name: json.loads(text) if text.startswith('"') else None for name, text in self.members}
        columns = values.keys() - {"entry_id", "reason"}
        is_csv = (
            len(values) == len(self.members) and columns == TUTORIAL_ENTRY.keys() and all(values.values())
        )
        if not is_csv or any(str(value) != str(value).strip() for value in values.values()):
            return None
        if not (TIMESTAMP.fullmatch(str(values["date"])) and str(values["date"])[5:7] <= "12"):
            return None
        cells = ('"' + str(value).replace('"', '""') + '"' for value in values.values())
        return f"{','.join(values)}\n{','.join(cells)}\n"

    def read(self) -> Any:
        """The value from the parser."""
        [value] = read_json(self.json.encode()).entries
        return value


def pad(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    blanks = st.text(BLANKS, max_size=3)
    return st.builds(lambda before, within, after: before + within + after, blanks, text, blanks)


def near(limit: int) -> st.SearchStrategy[str]:
    """Text whose length is close to a limit."""
    sizes = st.integers(limit - 1, limit + 2)
    return st.builds(lambda size, letter: letter * size, sizes, st.characters(exclude_categories=["Cs"]))


def spell(value: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """The JSON text of a value, with or without escapes for what is not ASCII."""
    return st.builds(
        lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only), value, st.booleans()
    )


def join(*parts: Any) -> st.SearchStrategy[str]:
    strategies = [part if isinstance(part, st.SearchStrategy) else st.sampled_from(part) for part in parts]
    return st.tuples(*strategies).map("".join)


def numbers(first: int, last: int, width: int = 2) -> st.SearchStrategy[str]:
    return st.integers(first, last).map(lambda number: f"{number:0{width}}")


@st.composite
def mutations(draw: st.DrawFn, texts: st.SearchStrategy[str], alphabet: str) -> str:
    """A text with a few characters replaced."""
    text = draw(texts)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(start + 2, len(text))))
    return text[:start] + draw(st.text(alphabet, max_size=2)) + text[end:]


not_text = st.sampled_from(["null", "true", "7", "1e400", "[]", '["007"]', "{}", '{"a":1,"a":2}', '""'])

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
odd_names = st.one_of(
    pad(names), st.text(max_size=5), pad(st.just("")), mutations(names, "\0\x1f\x7f\x80\x9f\xa0")
)

digits = st.text("0123456789", min_size=1, max_size=6)
offsets = st.one_of(st.sampled_from(["Z", "z", "-00:00"]), join("+-", numbers(0, 23), ":", numbers(0, 59)))
fractions = st.one_of(st.just(""), join(".", digits))
days = st.one_of(
    st.dates(date(1900, 1, 1), date(2999, 12, 31)).map(date.isoformat), st.sampled_from(ODD_DAYS.split())
)
timestamps = join(days, "Tt", numbers(0, 23), ":", numbers(0, 59), ":", numbers(0, 59), fractions, offsets)
dates = st.one_of(days, timestamps)
odd_days = st.one_of(
    join(["1899", "1900", "2999", "3000", "0000", "9999", "17", "02017"], "-", numbers(0, 13), "-", "01"),
    join(["2016", "2017"], "-", numbers(0, 13), "-", numbers(28, 32)),
    join("2017", ["", "-W", "/"], numbers(1, 12), ["", "-", "/"], numbers(1, 7, width=1)),
)
odd_times = st.one_of(
    join(numbers(0, 25), ":", numbers(58, 61), ":", numbers(58, 61), fractions, offsets),
    join("12", ["", ":00"], ["", ":00"], ["", ",5", "."], ["", "Z", "+0100", "+01", "+01:00:00", " UTC"]),
    join("12:00:00", ["+", "-", "\u2212"], numbers(22, 25), ":", numbers(58, 61)),
)
odd_dates = st.one_of(
    odd_days,
    join(odd_days, "T12:00:00Z"),
    join("2017-05-10", ["T", "t", " ", "_", ""], odd_times),
    mutations(dates, "0123456789TtZz:.,+-W /٣\u2212 \n"),
    pad(dates),
)

quarters = st.integers(1, 2400).map(lambda cents: str(Decimal(cents) / 100))
numerals = st.one_of(quarters, numbers(1, 24, width=1), join(numbers(0, 24, 1), ".", digits))
plain_hours = st.one_of(quarters, quarters.map(lambda text: f'"{text}"'), numbers(1, 24).map('"{}"'.format))
odd_hours = st.one_of(
    join(["", "-"], numerals, st.one_of(st.just(""), join("eE", ["", "+", "-"], numbers(0, 99, width=1)))),
    st.sampled_from(
        ["0", "-0", "0.00", "0.01", "0.001", "24", "24.00", "24.01", "24.001", "2.4e1", "240E-1"]
    ),
    st.sampled_from(["1e400", "1e-400", "-1e400"]),
    st.sampled_from(["1e99999999999999999999", "1" * 500, "5." + "0" * 500, "5." + "0" * 500 + "1"]),
    spell(mutations(numerals, "0123456789.,+-eE_ ٥５²\n")),
    spell(pad(numerals)),
)

keys = st.text("abcXYZ019._:-", min_size=1, max_size=20)
odd_keys = st.one_of(near(128), mutations(keys, "aZ0._:- ,/äＡ\n\0"), pad(keys))

PLAIN = {
    "user_id": spell(names),
    "date": spell(dates),
    "project": spell(names),
    "hours": plain_hours,
    "entry_id": spell(keys),
}
ODD = {
    "user_id": st.one_of(not_text, spell(odd_names), spell(near(64)), spell(pad(near(64)))),
    "date": st.one_of(not_text, spell(odd_dates)),
    "project": st.one_of(not_text, spell(odd_names), spell(near(128)), spell(pad(near(128)))),
    "hours": st.one_of(not_text, odd_hours),
    "entry_id": st.one_of(not_text, spell(odd_keys)),
    "revision": st.one_of(
        not_text,
        st.sampled_from(["1", "2", "1.0", "20e-1", "0", "-1", "1.5", "1000", "1001", "1e999", '"2"']),
    ),
    "reason": st.one_of(not_text, spell(odd_names), spell(near(200)), spell(pad(near(200)))),
}
odd_members = st.one_of(
    *(st.tuples(st.just(name), texts) for name, texts in ODD.items()),
    st.tuples(st.text(max_size=70), not_text),
)


@st.composite
def spellings(draw: st.DrawFn) -> Spelling:
    """A valid entry, except for up to two members that are odd, repeated, missing or unknown."""
    members = {name: draw(PLAIN[name]) for name in COLUMNS if name != "entry_id" or draw(st.booleans())}
    for name, text in draw(st.lists(odd_members, max_size=2)):
        members[name] = text
    for name in draw(st.one_of(st.just([]), st.lists(st.sampled_from(COLUMNS), max_size=1))):
        members.pop(name, None)
    repeated = draw(st.one_of(st.just([]), st.lists(st.sampled_from(sorted(members)), max_size=1)))
    order = draw(st.permutations(sorted(members)))
    return Spelling([(name, members[name]) for name in [*order, *repeated]])


def change_member(name: str, text: str) -> Spelling:
    """The tutorial's entry with one other value, which alone decides the verdict."""
    members = {**{name: json.dumps(value) for name, value in TUTORIAL_ENTRY.items()}, name: text}
    return Spelling(list(members.items()))


any_spellings = spellings() | odd_members.map(lambda member: change_member(*member))


def read_verdict(response: ClientResponse) -> tuple[bool, Any]:
    """Whether the only entry of an upload was accepted, and its errors."""
    body = response.json()
    if response.status_code == 207:
        [body] = body["entries"]
        return body["status"] in {200, 201}, body.get("errors")
    return response.status_code in {200, 201}, body.get("errors")


@try_many
@given(spelling=any_spellings, zone=st.sampled_from(ZONES))
def test_an_entry_has_the_same_verdict_in_all_formats(correct: Upload, spelling: Spelling, zone: str) -> None:
    ways = {
        "alone": (spelling.json, "application/json"),
        "array": (f"[{spelling.json}]", "application/json"),
        "ndjson": (spelling.json, "application/x-ndjson"),
        "csv": (spelling.csv, "text/csv"),
    }

    with override_settings(TIMESHEETS_TIME_ZONE=zone):
        verdicts = {
            way: read_verdict(correct(text.encode(), content_type=media_type))
            for way, (text, media_type) in ways.items()
            if text is not None
        }

    is_accepted, errors = verdicts["alone"]
    contents = Timesheet.objects.values_list(*COLUMNS).distinct()
    assert verdicts == dict.fromkeys(verdicts, (is_accepted, errors))
    assert is_accepted is (errors is None)
    assert len(contents) == is_accepted
    Timesheet.objects.all().delete()


def parse(value: Any) -> tuple[Entry | None, Any]:
    """The entry, or its errors."""
    try:
        return parse_entry(value), None
    except InvalidEntry as problem:
        return None, problem.members["errors"]


def validate_with_serializer(value: Any) -> tuple[Entry | None, Any]:
    serializer = EntrySerializer(data=value)
    if serializer.is_valid():
        return Entry(**serializer.validated_data), None
    return None, serializer.errors


@try_many
@given(spelling=any_spellings, zone=st.sampled_from(ZONES))
def test_the_fast_path_agrees_with_the_serializer(spelling: Spelling, zone: str) -> None:
    value = spelling.read()

    with override_settings(TIMESHEETS_TIME_ZONE=zone):
        entry, errors = parse(value)
        expected_entry, expected_errors = validate_with_serializer(value)

    assert (entry, errors) == (expected_entry, expected_errors)
    if entry is not None and expected_entry is not None:
        assert repr(represent_entry(entry)) == repr(represent_entry(expected_entry))


@try_many
@given(
    name=st.one_of(odd_names, near(64), near(128), pad(near(64)), pad(near(128))),
    member=st.sampled_from([("user_id", 64), ("project", 128)]),
)
def test_only_length_and_characters_decide_about_a_name(name: str, member: tuple[str, int]) -> None:
    field, limit = member
    trimmed = name.strip()
    is_control = any(character < " " or "\x7f" <= character <= "\x9f" for character in trimmed)
    value = {**TUTORIAL_ENTRY, "hours": Decimal(5), field: name}

    entry, errors = parse(value)

    if 1 <= len(trimmed) <= limit and not is_control:
        assert getattr(entry, field) == trimmed
    else:
        assert list(errors) == [field]


def are_hours(value: str | Decimal) -> bool:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,2}(\.[0-9]+)?", value):
        return False
    number = Decimal(value)
    return 0 < number <= 24 and (Fraction(number) * 100).denominator == 1


@try_many
@given(text=odd_hours | plain_hours)
def test_only_their_value_decides_about_hours(text: str) -> None:
    value = change_member("hours", text).read()

    entry, errors = parse(value)

    if are_hours(value["hours"]):
        assert entry is not None
        assert entry.hours == Decimal(value["hours"])
    else:
        assert list(errors) == ["hours"]


@try_many
@given(
    day=st.one_of(
        st.dates(date(1900, 1, 1), date(2999, 12, 31)),
        st.sampled_from(ODD_DAYS.split()).map(date.fromisoformat),
    ),
    zone=st.sampled_from(ZONES),
)
def test_a_day_begins_when_its_time_zone_first_reaches_it(day: date, zone: str) -> None:
    with override_settings(TIMESHEETS_TIME_ZONE=zone):
        start = parse_entry({**TUTORIAL_ENTRY, "date": day.isoformat(), "hours": Decimal(5)}).date

    clock = ZoneInfo(zone)
    assert start.astimezone(clock).date() >= day
    assert (start - timedelta(microseconds=1)).astimezone(clock).date() < day
