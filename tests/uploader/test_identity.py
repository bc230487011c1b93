import re
from collections.abc import Mapping
from decimal import Decimal

import pytest

from tests.processes import run_python
from timesheets.uploader.reading.entries import Entry, Rejected
from timesheets.uploader.reading.identity import EntryIds

CONTENT: Mapping[str, object] = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": Decimal(5),
}


def find_ids(*contents: Mapping[str, object]) -> list[object]:
    ids = EntryIds()
    return [ids.identify(Entry(source="", members=members)).members["entry_id"] for members in contents]


def test_an_id_begins_with_the_day_and_has_128_bits_of_a_hash() -> None:
    [entry_id] = find_ids(CONTENT)

    assert re.fullmatch(r"20170510-[0-9a-f]{32}", str(entry_id))


def test_the_same_content_has_the_same_id_in_each_run() -> None:
    # Known, since another way to derive it would double all that was sent before.
    assert find_ids(CONTENT) == ["20170510-7d4649fdc7495970ec780b3943be4b47"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"hours": Decimal("5.00")}, id="zeros"),
        pytest.param({"hours": "5"}, id="text"),
        pytest.param({"date": "2017-05-10T19:40:20.095+02:00"}, id="another zone"),
        pytest.param({"date": "2017-05-10t17:40:20.095000z"}, id="another spelling"),
        pytest.param({"project": " StoreZero "}, id="white space"),
    ],
)
def test_content_is_compared_by_value(change: Mapping[str, object]) -> None:
    assert find_ids({**CONTENT, **change}) == find_ids(CONTENT)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"hours": Decimal("5.25")}, id="hours"),
        pytest.param({"date": "2017-05-10"}, id="date"),
        pytest.param({"project": "StoreOne"}, id="project"),
        pytest.param({"user_id": "7"}, id="user"),
        pytest.param({"user_id": Decimal(7)}, id="a number for a user"),
        pytest.param({"comment": "late"}, id="another member"),
    ],
)
def test_other_content_has_another_id(change: Mapping[str, object]) -> None:
    assert find_ids({**CONTENT, **change}) != find_ids(CONTENT)


def test_equal_entries_of_a_file_are_told_apart() -> None:
    assert len(set(find_ids(CONTENT, CONTENT, CONTENT))) == 3


def test_the_order_of_a_file_does_not_matter() -> None:
    contents = [{**CONTENT, "hours": Decimal(number % 7)} for number in range(100)]
    shuffled = sorted(contents, key=lambda members: str(members["hours"]))

    assert sorted(map(str, find_ids(*contents))) == sorted(map(str, find_ids(*shuffled)))


def test_an_own_id_is_kept_and_counts_for_no_other() -> None:
    assert find_ids({**CONTENT, "entry_id": "mine"}, CONTENT) == ["mine", *find_ids(CONTENT)]


def test_an_id_that_is_null_is_none() -> None:
    assert find_ids({**CONTENT, "entry_id": None}) == find_ids(CONTENT)


@pytest.mark.parametrize(
    "date", ["03/04/2026", "2026-13-45T99:00:00Z", "9999-12-31T23:59:59-12:00", "", None, Decimal(5), ["x"]]
)
def test_an_entry_without_a_day_has_an_id_all_the_same(date: object) -> None:
    [entry_id] = find_ids({**CONTENT, "date": date})

    assert re.fullmatch(r"[0-9]{8}-[0-9a-f]{32}", str(entry_id))


@pytest.mark.parametrize("hours", [Decimal("1e9999"), Decimal("NaN"), "x", "", None, True, {"a": []}])
def test_whatever_stands_for_hours_there_is_an_id(hours: object) -> None:
    assert find_ids({**CONTENT, "hours": hours}) != find_ids(CONTENT)


def test_a_rejected_row_has_the_id_that_it_would_have_been_sent_with() -> None:
    rejected = Rejected(source="", errors={}, members=CONTENT)

    assert EntryIds().identify_rejected(rejected).members["entry_id"] == find_ids(CONTENT)[0]


COUNT = """
from tests.uploader.memory import read_peak
from timesheets.uploader.reading.identity import EntryIds
ids, before = EntryIds(), read_peak()
for number in range(300_000):
    ids.add_id({"user_id": str(number)})
print(read_peak() - before)
"""


def test_to_count_equal_entries_costs_100_bytes_an_entry() -> None:
    assert int(run_python("-c", COUNT).stdout) / 300_000 < 100
