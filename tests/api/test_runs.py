"""Runs as the API shows them: to a client its own lines, and everything to those who read across clients."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import status_and_code
from tests.api.reading import PUBLIC_URL, Read
from tests.api.test_openapi_examples import validate
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry
from tests.storage.runs import pay
from timesheets.models import Run

HEADER = "user_id,day,project,hours,paid_before,pays,kind,held"
# A client's first line in May, which the run in June corrects.
OWN = {
    "user_id": "007",
    "day": "2017-05-10",
    "project": "StoreZero",
    "hours": "5.00",
    "paid_before": "0.00",
    "pays": "5.00",
    "kind": "new",
    "held": None,
}
TAKEN_BACK = {**OWN, "hours": "0.00", "paid_before": "5.00", "pays": "-5.00", "kind": "correction"}


@pytest.fixture
def everything(issuer: Issuer) -> str:
    """A token that reads across clients."""
    return issuer.mint(azp="accounting", scope="read:all-timesheets")


@pytest.fixture
def runs(store: Callable[..., list[int]], tmp_path: Path) -> Path:
    """Three runs: of `payroll`, of `agency` for `org_1`, and of both. Returns the file of the last one."""
    store(make_entry("a"))
    store(make_entry("a", date=datetime(2017, 6, 10, tzinfo=UTC)), client_id="agency", organization="org_1")
    pay("may", "2017-05-31")
    pay("june-1", "2017-06-30")
    store(make_entry("a", hours=Decimal(0), revision=2, reason="wrong"))
    store(make_entry("b", user_id='a,"b"', date=datetime(2017, 6, 20, tzinfo=UTC)))
    store(*(make_entry(user_id=name) for name in "21"), client_id="agency", organization="org_1")
    (tmp_path / "holds.csv").write_text('client,user_id,reason\nagency,2,"in, doubt"\n')
    pay("june-2", "2017-06-30", "--csv", tmp_path / "june.csv", "--hold", tmp_path / "holds.csv")
    return tmp_path / "june.csv"


@pytest.mark.usefixtures("runs")
def test_a_client_sees_its_own_runs_lines_and_totals(read: Read) -> None:
    listed = read("/runs").json()

    assert [run["label"] for run in listed["results"]] == ["june-2", "may"]
    assert listed["next"] is None
    latest = listed["results"][0]
    stored = Run.objects.get(label="june-2")
    assert latest == {
        "label": "june-2",
        "through": "2017-06-30",
        "as_of": stored.as_of,
        "created_at": f"{stored.created_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "time_zone": "UTC",
        "lines": 2,
        "hours": "0.00",
        "held": "0.00",
    }
    assert read("/runs/june-2").json() == latest
    lines = read("/runs/june-2/lines").json()
    validate({"$ref": "#/components/schemas/RunPage"}, listed)
    validate({"$ref": "#/components/schemas/RunLinePage"}, lines)
    assert lines == {
        "results": [TAKEN_BACK, {**OWN, "user_id": 'a,"b"', "day": "2017-06-20", "kind": "late"}],
        "next": None,
    }
    assert read("/runs/may/lines", Accept="text/csv").content.decode().splitlines() == [
        HEADER,
        "007,2017-05-10,StoreZero,5.00,0.00,5.00,new,",
    ]
    assert read("/runs/may", Accept="text/csv").content.decode().splitlines() == [
        "label,through,as_of,created_at,time_zone,lines,hours,held",
        ",".join(str(value) for value in listed["results"][1].values()),
    ]


def test_those_who_read_across_clients_see_everything(read: Read, everything: str, runs: Path) -> None:
    listed = read("/runs", token=everything).json()["results"]

    content = runs.read_bytes()
    assert [(run["label"], run["lines"], run["hours"], run["held"]) for run in listed] == [
        ("june-2", 4, "5.00", "5.00"),
        ("june-1", 1, "5.00", "0.00"),
        ("may", 1, "5.00", "0.00"),
    ]
    assert listed[0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert read("/runs/june-2", token=everything).json() == listed[0]
    assert listed[0]["sha256"] in read("/runs", token=everything, Accept="text/csv").content.decode()
    path = "/runs/june-2/lines"
    assert read(path, token=everything, Accept="text/csv").content == content
    lines = read(path, token=everything).json()["results"]
    assert [(line["client"], line.get("organization"), line["held"]) for line in lines] == [
        ("agency", "org_1", None),
        ("agency", "org_1", "in, doubt"),
        ("payroll", None, None),
        ("payroll", None, None),
    ]
    some = read(f"{path}?client=agency&client=nobody", token=everything)
    assert some.json() == {"results": lines[:2], "next": None}


def test_the_pages_of_lines_are_the_file(read: Read, everything: str, runs: Path) -> None:
    header, *rest = runs.read_bytes().splitlines(keepends=True)
    pages, url = [], "/runs/june-2/lines?page_size=1"

    while url:
        response = read(url.removeprefix(PUBLIC_URL), token=everything, Accept="text/csv")
        first, *rows = response.content.splitlines(keepends=True)
        assert (first, len(rows)) == (header, 1)
        pages += rows
        url = response.headers.get("Link", "").partition(";")[0].strip("<>")

    assert pages == rest


@pytest.mark.usefixtures("runs")
def test_runs_are_listed_page_by_page(read: Read, everything: str) -> None:
    def list_labels(**token: str) -> list[list[str]]:
        pages, url = [], "/runs?page_size=1"
        while url:
            page = read(url.removeprefix(PUBLIC_URL), **token).json()
            pages.append([run["label"] for run in page["results"]])
            url = page["next"]
        return pages

    assert list_labels() == [["june-2"], ["may"]]
    assert list_labels(token=everything) == [["june-2"], ["june-1"], ["may"]]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("path", "scope", "answer"),
    [
        ("/runs/june-1", "read:timesheets", (404, "not_found")),
        ("/runs/june-1/lines", "read:timesheets", (404, "not_found")),
        ("/runs/july", "read:all-timesheets", (404, "not_found")),
        ("/runs/.may", "read:all-timesheets", (404, "not_found")),
        ("/runs/may/lines?client=payroll", "read:timesheets", (400, "invalid_parameter")),
        ("/runs?client=payroll", "read:all-timesheets", (400, "invalid_parameter")),
        ("/runs/may?page_size=1", "read:timesheets", (400, "invalid_parameter")),
        ("/runs?order=newest", "read:timesheets", (400, "invalid_parameter")),
        ("/runs", "batch:upload", (403, "insufficient_scope")),
    ],
)
def test_a_request_that_is_refused(
    read: Read, issuer: Issuer, path: str, scope: str, answer: tuple[int, str]
) -> None:
    assert status_and_code(read(path, token=issuer.mint(scope=scope))) == answer


def test_somebody_who_never_uploaded_sees_no_runs(read: Read, issuer: Issuer, runs: Any) -> None:
    token = issuer.mint(azp="nobody", scope="read:timesheets")

    assert read("/runs", token=token).json() == {"results": [], "next": None}
