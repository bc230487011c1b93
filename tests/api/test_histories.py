"""Reading corrections back: every revision, the current state, and past states."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, status_and_code
from tests.api.reading import PUBLIC_URL, Read, follow, list_ids, localize

ENTRY = {"user_id": "007", "date": "2017-05-10T17:40:20.095Z", "project": "StoreZero"}


@pytest.fixture
def ids(correct: Upload) -> dict[str, int]:
    """Rows in the order of their names: `b` is corrected twice, `c` withdrawn, `d` withdrawn and restored."""
    hours = {"a1": 1, "b1": 1, "c1": 1, "d1": 1, "b2": 2, "c2": 0, "d2": 0, "b3": 3, "d3": 1}
    others = {"c": {"project": "Intranet"}, "b2": {"user_id": "008"}}
    return {
        name: correct(
            make_entry(
                entry_id=name[0],
                hours=worked,
                **_number(name),
                **others.get(name[0], {}),
                **others.get(name, {}),
            )
        ).json()["id"]
        for name, worked in hours.items()
    }


def _number(name: str) -> dict[str, Any]:
    return {"revision": int(name[1]), "reason": f"=reason {name}"} if name[1] != "1" else {}


def find_names(ids: Mapping[str, int], found: Sequence[int]) -> list[str]:
    names = {row_id: name for name, row_id in ids.items()}
    return [names[row_id] for row_id in found]


def strip_received_at(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "received_at"}


def test_a_revision_shows_what_it_supersedes_and_what_superseded_it(read: Read, ids: dict[str, int]) -> None:
    results = read("/timesheets?entry_id=b").json()["results"]

    first, second, third = (strip_received_at(result) for result in results)
    assert first == {"id": ids["b1"], **ENTRY, "hours": 1, "entry_id": "b", "superseded_by": ids["b2"]}
    assert second == {
        "id": ids["b2"],
        **ENTRY,
        "user_id": "008",
        "hours": 2,
        "entry_id": "b",
        "revision": 2,
        "reason": "=reason b2",
        "supersedes": ids["b1"],
        "superseded_by": ids["b3"],
    }
    assert (third["revision"], third["supersedes"], "superseded_by" in third) == (3, ids["b2"], False)


def test_an_entry_that_was_never_corrected_is_read_as_before(read: Read, ids: dict[str, int]) -> None:
    [result] = read("/timesheets?entry_id=a").json()["results"]

    assert strip_received_at(result) == {"id": ids["a1"], **ENTRY, "hours": 1, "entry_id": "a"}


# The query and the names of the rows. Whether an entry is current is judged before the filters.
SELECTED = {
    "": "a1 b1 c1 d1 b2 c2 d2 b3 d3",
    "current=false": "a1 b1 c1 d1 b2 c2 d2 b3 d3",
    "current=true": "a1 b3 d3",
    "entry_id=d": "d1 d2 d3",
    "entry_id=d&current=true": "d3",
    "entry_id=c&current=true": "",
    "user_id=008": "b2",
    "user_id=008&current=true": "",
    "as_of={c2}": "a1 b1 c1 d1 b2 c2",
    "as_of={c2}&current=true": "a1 d1 b2",
    "as_of={c1}&current=true": "a1 b1 c1",
    "as_of={d3}&current=true": "a1 b3 d3",
    "as_of={d1}&entry_id=b": "b1",
    "as_of={b2}&entry_id=b&current=true": "b2",
    "as_of={b2}&user_id=008&current=true": "b2",
}


@pytest.mark.parametrize("page_size", ["", "page_size=2&"])
def test_a_parameter_selects_rows(read: Read, ids: dict[str, int], page_size: str) -> None:
    for query, names in SELECTED.items():
        pages = follow(read, f"/timesheets?{page_size}{query.format(**ids)}")

        found = [row_id for page in pages for row_id in list_ids(page)]
        assert find_names(ids, found) == names.split(), query


def test_the_past_has_the_same_bytes_for_ever(
    read: Read, correct: Upload, correct_many: UploadMany, ids: dict[str, int]
) -> None:
    queries = ["", "&current=true", "&entry_id=a", "&current=true&page_size=2", "&user_id=007", "&fields=all"]
    paths = [f"/timesheets?as_of={ids['b3']}{query}" for query in queries]
    accepts = ["application/json", "text/csv"]

    before = [read(path, Accept=accept).content for path in paths for accept in accepts]
    correct(make_entry(entry_id="a", hours=9, revision=2, reason="later"))
    correct_many([make_entry(), make_entry(entry_id="b", hours=9, revision=4, reason="later")])
    assert [read(path, Accept=accept).content for path in paths for accept in accepts] == before


def test_the_next_page_is_of_the_same_past(read: Read, ids: dict[str, int]) -> None:
    following = read(f"/timesheets?as_of={ids['d3']}&current=true&page_size=1").json()["next"]

    assert following.startswith(f"{PUBLIC_URL}/timesheets?page_size=1&current=true&as_of={ids['d3']}&cursor=")
    assert find_names(ids, list_ids(read(localize(following)))) == ["b3"]


@pytest.mark.parametrize("value", ["0", "{later}", str(2**63 - 1), str(2**63), "9" * 19, "9" * 5000])
def test_a_state_that_is_not_settled_is_refused(read: Read, ids: dict[str, int], value: str) -> None:
    response = read(f"/timesheets?as_of={value.format(later=ids['d3'] + 1)}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert response.json()["detail"].startswith("as_of: Send ")


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
@pytest.mark.parametrize("query", ["", "user_id=none&", "entry_id=a&", "upload=0&", "page_size=1&"])
def test_a_page_names_the_state_that_it_shows(
    read: Read, correct: Upload, ids: dict[str, int], query: str, accept: str
) -> None:
    before = read(f"/timesheets?{query}", Accept=accept)
    correct(make_entry(entry_id="a", hours=9, revision=2, reason="later"))
    again = read(f"/timesheets?{query}as_of={before['Timesheets-As-Of']}", Accept=accept)

    assert before["Timesheets-As-Of"] == again["Timesheets-As-Of"] == str(ids["d3"])
    assert int(read("/timesheets")["Timesheets-As-Of"]) > ids["d3"]
    if accept == "application/json":
        assert list_ids(again) == list_ids(before)


def test_an_empty_store_has_a_state(read: Read) -> None:
    empty = [read(f"/timesheets{query}") for query in ("", "?as_of=0", "?as_of=1")]

    assert [response.status_code for response in empty] == [200, 200, 400]
    assert empty[0]["Timesheets-As-Of"] == empty[1]["Timesheets-As-Of"] == "0"


# The words of the refusal, and the queries.
REFUSED = {
    "current: Send true or false.": ["current=1", "current=True", "current="],
    "current: Send it once.": ["current=true&current=true"],
    "as_of: Send an id, such as 17.": ["as_of=", "as_of=-1", "as_of=1.0", "as_of=%D9%A2"],
    "as_of: Send it once.": ["as_of=1&as_of=1"],
    "upload: Send an id, such as 17.": ["upload=x", "upload=", f"upload={2**63}"],
    "fields: Send all, or leave it out.": ["fields=", "fields=id"],
    "fields: Send it once.": ["fields=all&fields=all"],
    "The only parameters are user_id, project, entry_id, ": ["revision=1", "reason=x", "hours=0"],
    "cursor, current, as_of, upload, fields.": ["x=1"],
    "current: Send true or false. as_of: Send an id": ["as_of=x&current=x&upload=x&fields=x"],
}


def test_an_invalid_parameter_is_refused(read: Read) -> None:
    for detail, queries in REFUSED.items():
        for query in queries:
            response = read(f"/timesheets?{query}")

            assert status_and_code(response) == (400, "invalid_parameter"), query
            assert detail in response.json()["detail"], query


# CSV


def read_rows(read: Read, path: str) -> list[dict[str, str]]:
    content = read(path, Accept="text/csv").content.decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def test_csv_has_the_new_columns_only_on_request(read: Read, ids: dict[str, int]) -> None:
    old = "id,user_id,date,project,hours,entry_id,received_at"

    for path in ("/timesheets", f"/timesheets/{ids['b2']}"):
        without = read(path, Accept="text/csv").content.decode().splitlines()
        with_all = read(f"{path}?fields=all", Accept="text/csv").content.decode().splitlines()
        assert without[0] == old
        assert with_all[0] == f"{old},revision,reason,supersedes,superseded_by"
        assert len(without) == len(with_all)
        assert all(row.startswith(start) for start, row in zip(without, with_all, strict=True))


def test_csv_with_all_columns_has_the_same_values_as_json(read: Read, ids: dict[str, int]) -> None:
    rows = read_rows(read, "/timesheets?fields=all")

    assert read("/timesheets?fields=all").content == read("/timesheets").content
    assert [{name: text for name, text in row.items() if text} for row in rows] == [
        {name: str(value) for name, value in result.items()} for result in read().json()["results"]
    ]
    assert rows[4]["reason"] == "=reason b2"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        *((query, "The only parameter is fields.") for query in ("x=1", "current=true")),
        ("fields=id", "fields: Send all, or leave it out."),
        ("fields=all&fields=all", "fields: Send it once."),
    ],
)
def test_one_entry_takes_no_other_parameter(read: Read, ids: dict[str, int], query: str, detail: str) -> None:
    response = read(f"/timesheets/{ids['a1']}?{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert detail in response.json()["detail"]
