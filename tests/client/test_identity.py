import re
from collections.abc import Mapping
from decimal import Decimal

import pytest

from tests.kit.processes import run_python
from timesheets_client.reading.entries import InputEntry, RejectedEntry
from timesheets_client.reading.identity import EntryIds

CONTENT: Mapping[str, object] = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": Decimal(5),
}


def find_ids(*contents: Mapping[str, object]) -> list[object]:
    ids = EntryIds()
    return [ids.identify(InputEntry(source="", members=members)).members["entry_id"] for members in contents]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, "20170510-7d4649fdc7495970ec780b3943be4b47", id="entry"),
        pytest.param({"date": "2017-05-10"}, "20170510-925a2cfea124ed3f3205aae624eb5d37", id="day"),
        pytest.param(
            {"date": "2017-05-11T01:00:00+02:00"}, "20170510-221983bd68012fc5c8934a97fb006af4", id="zone"
        ),
        pytest.param({"date": None}, "00000000-7ce26a634c1586ce2f0551a9c4115d7f", id="no day"),
        pytest.param({"hours": "x"}, "20170510-92e56d06991aa4300e0da596cbe5174e", id="no number"),
        pytest.param({"hours": Decimal("7.50")}, "20170510-faf48e7b8e23a2b5ab02181335de8afc", id="fraction"),
        pytest.param({"hours": Decimal(20)}, "20170510-6a444afa39b2b542d9b340ae65d94365", id="tens"),
        pytest.param({"project": "J\u00f6rg"}, "20170510-81b8d0befe59249893ba46a774f6f645", id="letters"),
        pytest.param({"user_id": Decimal(7)}, "20170510-d0ae30c6efbf0cae44b58506ed9b14a0", id="number"),
        pytest.param(
            {"comment": "late", "zone": Decimal(1)}, "20170510-795866939c5221efb7a7447f8b360dde", id="others"
        ),
    ],
)
def test_the_same_content_has_the_same_id_in_each_run(change: Mapping[str, object], expected: str) -> None:
    # Literal ids, because a new derivation would duplicate everything that was sent before.
    assert find_ids({**CONTENT, **change}) == [expected]


def test_equal_entries_have_the_same_ids_in_each_run() -> None:
    assert find_ids(CONTENT, CONTENT, CONTENT) == [
        "20170510-7d4649fdc7495970ec780b3943be4b47",
        "20170510-0107616f3514d1f57a43c450bf7f7cd5",
        "20170510-9cb82057d568b586725ff6148d72fdaf",
    ]


def test_a_rejected_text_has_the_same_id_in_each_run() -> None:
    rejected = RejectedEntry(source="", errors={}, text="007;x")

    [entry_id] = EntryIds().identify_rejected(rejected).members.values()

    assert entry_id == "00000000-dfbf08a4848711cc02bc54424e8485df"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"hours": Decimal("5.00")}, id="zeros"),
        pytest.param({"hours": "5.0"}, id="text"),
        pytest.param({"date": "2017-05-10T19:40:20.095+02:00"}, id="another zone"),
        pytest.param({"date": "2017-05-10t17:40:20.095000z"}, id="another spelling"),
        pytest.param({"project": " StoreZero "}, id="white space"),
        pytest.param({"entry_id": None}, id="no id"),
        pytest.param({"revision": Decimal(1), "reason": "late"}, id="revision and reason"),
    ],
)
def test_content_is_compared_by_value(change: Mapping[str, object]) -> None:
    assert find_ids({**CONTENT, **change}) == find_ids(CONTENT)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"hours": Decimal("5.25")}, id="hours"),
        pytest.param({"date": "2017-05-10"}, id="date"),
        pytest.param({"comment": "late"}, id="another member"),
    ],
)
def test_different_content_has_a_different_id(change: Mapping[str, object]) -> None:
    assert find_ids({**CONTENT, **change}) != find_ids(CONTENT)


@pytest.mark.parametrize(
    ("first", "second", "are_equal"),
    [
        ({"comment": "late", "zone": "UTC"}, {"zone": "UTC", "comment": "late"}, True),
        ({"hours": Decimal(0)}, {"hours": Decimal("0.00")}, True),
        *[({"date": "2026-13-45T99:00:00Z"}, {"date": "2026-13-46T99:00:00Z"}, False)],
    ],
    ids=["order", "zeros", "invalid dates"],
)
def test_equal_members_have_the_same_id(
    first: Mapping[str, object], second: Mapping[str, object], are_equal: bool
) -> None:
    assert (find_ids({**CONTENT, **first}) == find_ids({**CONTENT, **second})) is are_equal


def test_the_time_zone_of_the_machine_does_not_matter() -> None:
    program = f"""
from decimal import Decimal
from timesheets_client.reading.identity import EntryIds
print(EntryIds().add_id({dict(CONTENT)})["entry_id"])
"""

    result = run_python("-c", program, TZ="America/New_York")

    assert result.stdout.split() == find_ids(CONTENT)


def test_the_order_of_entries_does_not_matter() -> None:
    contents = [{**CONTENT, "hours": Decimal(number % 7)} for number in range(100)]
    shuffled = sorted(contents, key=lambda members: str(members["hours"]))

    assert sorted(map(str, find_ids(*contents))) == sorted(map(str, find_ids(*shuffled)))


def test_an_id_in_the_file_is_kept_and_does_not_count() -> None:
    assert find_ids({**CONTENT, "entry_id": "mine"}, CONTENT) == ["mine", *find_ids(CONTENT)]


DATES = ("03/04/2026", "2026-13-45T99:00:00Z", "9999-12-31T23:59:59-12:00", "2017", "someday!", "")
HOURS: tuple[object, ...] = ("sNaN", "1e999999999999", "x", "", None, True, {"a": []})


@pytest.mark.parametrize(
    "date", [*DATES, "\uff12\uff10\uff11\uff17-\uff10\uff15-\uff11\uff10", None, Decimal(5), ["x"]]
)
def test_an_entry_without_a_date_has_an_id(date: object) -> None:
    [entry_id] = find_ids({**CONTENT, "date": date})

    assert re.fullmatch(r"[0-9]{8}-[0-9a-f]{32}", str(entry_id))


@pytest.mark.parametrize("hours", [*HOURS, *map(Decimal, ("1e9999", "1e1000000", "1e-9999999", "NaN"))])
def test_an_entry_with_any_value_for_hours_has_an_id(hours: object) -> None:
    assert find_ids({**CONTENT, "hours": hours}) != find_ids(CONTENT)


@pytest.mark.parametrize("revision", [Decimal(2), Decimal(0), "2", "1", "", True, ["x"], Decimal("Infinity")])
def test_no_id_is_derived_for_a_correction(revision: object) -> None:
    correction = {**CONTENT, "revision": revision}
    ids = EntryIds()

    [sent, plain] = [
        ids.identify(InputEntry(source="", members=members)).members for members in (correction, CONTENT)
    ]
    rejected = ids.identify_rejected(RejectedEntry(source="", errors={}, members=correction))

    assert "entry_id" not in sent
    assert "entry_id" not in rejected.members
    # It does not count as an equal entry either.
    assert [plain["entry_id"]] == find_ids(CONTENT)


COUNT = """
from tests.client.memory import read_peak
from timesheets_client.reading.identity import EntryIds
ids, before = EntryIds(), read_peak()
for number in range(140_000):
    ids.add_id({"user_id": str(number)})
print(read_peak() - before)
"""


def test_counting_equal_entries_takes_under_100_bytes_per_entry() -> None:
    assert int(run_python("-c", COUNT).stdout) / 140_000 < 100
