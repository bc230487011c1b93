import json

import pytest

from tests.client.reading import describe, iterate, read
from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.entries import InputEntry, RejectedEntry, encode_value

ENTRY = '{"user_id": "007", "date": "2026-06-03", "project": "X", "hours": 7.50}'


@pytest.mark.parametrize(
    ("name", "content", "sources"),
    [
        pytest.param("a.json", f"[{ENTRY}, {ENTRY}]", ["a.json[0]", "a.json[1]"], id="array"),
        pytest.param("a.json", f"\n[ {ENTRY} ]\n", ["a.json[0]"], id="white space"),
        pytest.param("a.json", ENTRY.replace(",", ",\n"), ["a.json[0]"], id="one object on several lines"),
        pytest.param("a.json", f"{ENTRY}\n{ENTRY}", ["a.json[0]", "a.json[1]"], id="objects in a row"),
        pytest.param("a.json", "[]", [], id="empty array"),
        pytest.param("a.ndjson", f"{ENTRY}\r\n\n{ENTRY}", ["a.ndjson:1", "a.ndjson:3"], id="lines"),
        pytest.param("a.jsonl", f"\ufeff{ENTRY}\n", ["a.jsonl:1"], id="lines with a BOM"),
    ],
)
def test_each_entry_has_its_place_in_the_file(name: str, content: str, sources: list[str]) -> None:
    assert describe(read(content, name)) == sources


def test_an_entry_may_span_two_chunks() -> None:
    long = json.dumps([{"user_id": str(number), "project": "x" * (number % 97)} for number in range(5_000)])

    entries = read(long, "a.json")

    assert [entry.members["user_id"] for entry in entries] == [str(number) for number in range(5_000)]


def test_a_number_may_span_two_chunks() -> None:
    rejected = read(f"[{', '.join(['1' * 999] * 200)}]", "a.json")

    assert len(rejected) == 200


def test_an_array_is_read_as_a_stream() -> None:
    entries = iterate(f"[{ENTRY}" + f", {ENTRY}" * 5_000, "a.json")

    assert next(entries).source == "a.json[0]"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("-0.0", "-0.0", id="minus zero"),
        pytest.param("7.0999999999999999999999", "7.0999999999999999999999", id="more than a float holds"),
        pytest.param("-1e88888888888888888888", "-1e99999999999999999999", id="larger than a Decimal"),
        pytest.param("1" + "0" * 5_000, "1" + "0" * 5_000, id="5,001 digits"),
    ],
)
def test_numbers_are_sent_as_they_were_read(number: str, expected: str) -> None:
    [entry] = read(f'{{"hours": {number}}}', "a.ndjson")

    assert encode_value(dict(entry.members)) == f'{{"hours": {expected}}}'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("{bad", "this line is not JSON: expecting property name", id="syntax"),
        pytest.param(f"{ENTRY} x", "text follows the value", id="more"),
        pytest.param('"text"', "'\"text\"' is not an entry; an entry is an object", id="text"),
        pytest.param('{"a": 1, "a": 2}', "one of its members is repeated", id="repeated"),
        pytest.param('{"a": "\\ud800"}', "it escapes a lone surrogate", id="surrogate"),
        pytest.param("[" * 100_000, "more than 32 levels of nesting", id="brackets"),
        pytest.param('{"a": ' * 5_000 + "1" + "}" * 5_000, "more than 32 levels of nesting", id="objects"),
    ],
)
def test_only_the_malformed_line_is_rejected(line: str, problem: str) -> None:
    rejected, entry = read(f"{line}\n{ENTRY}\n", "a.ndjson")

    assert isinstance(rejected, RejectedEntry)
    assert rejected.describe().startswith("a.ndjson:1: ")
    assert problem in rejected.describe()
    assert isinstance(entry, InputEntry)


def test_only_the_line_that_is_not_utf8_is_rejected() -> None:
    rejected, entry = read(b'{"project": "M\xfcller"}\n' + ENTRY.encode(), "a.ndjson")

    assert describe([rejected]) == ["a.ndjson:1: this line is not JSON: byte 14 is not UTF-8"]
    assert isinstance(entry, InputEntry)


@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_the_rejection_of_an_earlier_run_is_ignored(name: str) -> None:
    [entry] = read('{"user_id": "007", "_rejected": {"source": "week23.csv:17", "errors": {}}}', name)

    assert entry.members == {"user_id": "007"}


@pytest.mark.parametrize("members", ["", '"entry_id": "20260603-1", '])
def test_a_line_with_only_a_rejection_is_rejected_again(members: str) -> None:
    [rejected] = read(f'{{{members}"_rejected": {{"source": "week23.csv:17", "text": "007;x"}}}}', "a.ndjson")

    assert isinstance(rejected, RejectedEntry)
    assert rejected.text == "007;x"
    assert rejected.members == ({"entry_id": "20260603-1"} if members else {})
    assert "still has no entry" in rejected.describe()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(f"[{ENTRY}", r"a.json\[1\]: the file ends in the middle", id="cut after an entry"),
        pytest.param(f"[{ENTRY}, ", r"a.json\[1\]: the file ends in the middle", id="cut after a comma"),
        pytest.param(f'[{ENTRY}, {{"user', r"a.json\[1\]: unterminated string", id="cut in an entry"),
        pytest.param(f"[{ENTRY} {ENTRY}]", r"a.json\[1\]: a comma or the end .* near '{", id="no comma"),
        pytest.param(f"[{ENTRY}] x", r"a.json\[1\]: something follows the array, near 'x'", id="more"),
        pytest.param("[" * 100_000, "more than 32 levels of nesting", id="brackets"),
        pytest.param(
            b'[{"a": "\xfc"}]', r"a.json\[0\]: this entry or the next one is not UTF-8", id="latin-1"
        ),
    ],
)
def test_a_broken_array_is_unreadable_from_the_error_on(content: str | bytes, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=problem):
        read(content, "a.json")


def test_an_endless_entry_is_not_read_into_memory() -> None:
    with pytest.raises(InputUnreadable, match=r"a.json\[0\]"):
        read('[{"project": "' + "x" * 5_000_000, "a.json")


def test_a_bom_before_json_is_unreadable_as_for_the_api() -> None:
    with pytest.raises(InputUnreadable, match=r"a\.json\[0\]: expecting value, near '\\ufeff"):
        read(f"\ufeff[{ENTRY}]", "a.json")
