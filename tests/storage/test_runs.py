"""What a run pays, what it refuses, and what uploads and other runs notice of it."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.kit.default_database import Database, only_on
from tests.storage.entries import PAYROLL, ingest, make_entry
from tests.storage.runs import MAY, add, pay, refuse
from tests.storage.uploads import REPORTING, uncommitted_upload
from timesheets.models import Run, RunLine
from timesheets.storage.run_lines import CHUNK_ROWS
from timesheets.trust.principals import MachineClient

pytestmark = pytest.mark.usefixtures("database")

ACME = replace(PAYROLL, organization="org_acme")
Read = Callable[..., list[str]]


def on(day: str, **changes: Any) -> dict[str, Any]:
    return {"date": datetime.fromisoformat(day).replace(tzinfo=UTC), **changes}


def store(entry_id: str | None = None, client: MachineClient = PAYROLL, **changes: Any) -> int:
    if changes.get("revision"):
        changes["reason"] = "wrong"
    [verdict] = ingest(make_entry(entry_id, **changes), client=client)
    return verdict.timesheet_id


def correct(entry_id: str, hours: object, **changes: Any) -> int:
    return store(entry_id, hours=Decimal(str(hours)), **{"revision": 2, **changes})


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The lines of a run, as its file has them."""

    def call(label: str, through: object = MAY, *options: object) -> list[str]:
        file = tmp_path / "lines.csv"
        pay(label, through, "--csv", file, *options)
        content = file.read_bytes()
        file.unlink()
        header, *lines = content.decode().split("\r\n")
        assert header == "user_id,day,project,hours,paid_before,pays,kind,held,client,organization"
        assert lines.pop() == ""
        if "--dry-run" not in options:
            assert hashlib.sha256(content).hexdigest() == Run.objects.get(label=label).sha256
        return lines

    return call


@pytest.fixture
def hold(tmp_path: Path) -> Callable[[str], tuple[str, Path]]:
    def write(content: str) -> tuple[str, Path]:
        file = tmp_path / f"holds-{len(list(tmp_path.iterdir()))}.csv"
        file.write_text(content)
        return "--hold", file

    return write


def test_the_next_run_pays_the_difference(read: Read) -> None:
    store("lowered", user_id="1")
    store("withdrawn", user_id="2")
    store("moved", user_id="3")
    store("same", user_id="4")
    store("later", user_id="5", **on("2017-06-01"))
    store("back", user_id="6")
    read("may")
    correct("lowered", 3, user_id="1")
    correct("withdrawn", 0, user_id="2")
    correct("moved", 5, user_id="3", project="Other")
    correct("same", 5, user_id="4", **on("2017-05-10T23:00:00"))
    correct("back", 0, user_id="6")
    store("late", user_id="7", **on("2017-05-31"))

    first = read("june", "2017-06-30")
    correct("back", 5, user_id="6", revision=3)

    assert first == [
        "1,2017-05-10,StoreZero,3.00,5.00,-2.00,correction,,payroll,",
        "2,2017-05-10,StoreZero,0.00,5.00,-5.00,correction,,payroll,",
        "3,2017-05-10,Other,5.00,0.00,5.00,late,,payroll,",
        "3,2017-05-10,StoreZero,0.00,5.00,-5.00,correction,,payroll,",
        "5,2017-06-01,StoreZero,5.00,0.00,5.00,new,,payroll,",
        "6,2017-05-10,StoreZero,0.00,5.00,-5.00,correction,,payroll,",
        "7,2017-05-31,StoreZero,5.00,0.00,5.00,late,,payroll,",
    ]
    # What was paid adds up to 0, and is a correction nevertheless.
    assert read("july", "2017-07-31") == ["6,2017-05-10,StoreZero,5.00,0.00,5.00,correction,,payroll,"]
    assert read("nothing", "2017-07-31") == []
    # An earlier day takes nothing back, and the latest day of all runs decides what is late.
    store("june", user_id="8", **on("2017-06-20"))
    assert read("early", "2017-05-31") == []
    assert read("late", "2017-06-30") == ["8,2017-06-20,StoreZero,5.00,0.00,5.00,late,,payroll,"]


def test_held_lines_are_offered_again(read: Read, hold: Any) -> None:
    for user_id in ("1", "2"):
        store(user_id, user_id=user_id)
        store(user_id, user_id=user_id, client=ACME)
    store("x", client=REPORTING)
    holds = hold(
        "client,organization,user_id,reason\n"
        "payroll,org_acme,,all of Acme\n"
        "payroll,,1,everywhere\n"
        "payroll,org_acme,1,not the first\n"
    )

    first = read("may", MAY, *holds)

    assert first == [
        "1,2017-05-10,StoreZero,5.00,0.00,5.00,new,everywhere,payroll,",
        "2,2017-05-10,StoreZero,5.00,0.00,5.00,new,,payroll,",
        "1,2017-05-10,StoreZero,5.00,0.00,5.00,new,everywhere,payroll,org_acme",
        "2,2017-05-10,StoreZero,5.00,0.00,5.00,new,all of Acme,payroll,org_acme",
        "007,2017-05-10,StoreZero,5.00,0.00,5.00,new,,reporting,",
    ]
    printed = pay("may", MAY, *holds).splitlines()
    assert [line.split() for line in printed[1:6]] == [
        ["client", "organization", "lines", "hours", "held"],
        ["payroll", "2", "5.00", "5.00"],
        ["payroll", "org_acme", "2", "0.00", "10.00"],
        ["reporting", "1", "5.00", "0.00"],
        ["total", "5", "10.00", "15.00"],
    ]
    assert read("june", MAY, *hold("client,user_id,reason\npayroll,2,still\n")) == [
        "1,2017-05-10,StoreZero,5.00,0.00,5.00,late,,payroll,",
        "1,2017-05-10,StoreZero,5.00,0.00,5.00,late,,payroll,org_acme",
        "2,2017-05-10,StoreZero,5.00,0.00,5.00,late,still,payroll,org_acme",
    ]


def test_a_file_of_holds_with_errors_is_refused_with_all_of_them(hold: Any) -> None:
    store("a")
    option, file = hold(
        "client,organization,user_id,reason\n"
        "payrol,,,why\n"
        "payroll,org_acme,,why\n"
        "payroll,,7,why\n"
        "payroll,,007,\n"
        f"payroll,,,{'x' * 201}\n"
        "payroll,,007\n"
    )

    status, message = refuse("may", MAY, option, file, "--dry-run")

    assert status == 65
    assert message.splitlines() == [
        f"{file}:2: client: has no entries with this id and organization",
        f"{file}:3: client: has no entries with this id and organization",
        f"{file}:4: user_id: has no entries of this client",
        f"{file}:5: reason: is empty",
        f"{file}:6: reason: has control characters, or over 200 characters",
        f"{file}:7: this row does not have 4 cells",
        "Nothing was changed.",
    ]
    assert refuse("may", MAY, *hold("client,reason\npayroll,why\n"))[0] == 65
    assert not Run.objects.exists()


@pytest.mark.parametrize("label", ["may", "june"])
@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "dry-run"])
def test_a_run_keeps_the_time_zone_of_earlier_ones(settings: Any, label: str, options: list[str]) -> None:
    pay("may", MAY)
    settings.TIMESHEETS_TIME_ZONE = "Europe/Berlin"

    status, message = refuse(label, MAY, *options)

    assert (status, "Days would move" in message) == (65, True)


def test_what_a_dry_run_shows_is_what_the_run_pays(read: Read) -> None:
    store("a")
    shown = read("may", MAY, "--dry-run")
    printed = pay("may", MAY, "--dry-run")
    as_of = printed.splitlines()[-1].split()[-1].rstrip(".")
    assert not RunLine.objects.exists()
    store("b")
    correct("a", 3)

    assert read("may", MAY, "--as-of", as_of) == shown
    assert pay("may", MAY, "--as-of", as_of, "--dry-run").splitlines()[1:] == printed.splitlines()[1:-1]
    assert Run.objects.count() == 1


def test_the_same_command_shows_the_same_run(read: Read, hold: Any) -> None:
    as_of = store("a")
    rows = ["payroll,007,why\n", "payroll,,all\n"]
    holds, turned, other = (
        hold(f"client,user_id,reason\n{''.join(each)}")
        for each in (rows, [*reversed(rows), rows[0]], rows[:1])
    )
    lines = read("may", MAY, *holds)
    store("b")
    before = list(Run.objects.values_list())

    assert read("may", MAY, *holds) == read("may", MAY, *turned, "--as-of", as_of) == lines
    for arguments in ((MAY,), (MAY, *other), ("2017-05-30", *holds), (MAY, *holds, "--as-of", as_of + 1)):
        for dry_run in ([], ["--dry-run"]):
            status, message = refuse("may", *arguments, *dry_run)
            assert (status, "The run may exists" in message) == (65, True)
    assert list(Run.objects.values_list()) == before


@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "dry-run"])
def test_only_a_settled_id_that_undoes_nothing_can_be_paid(options: list[str]) -> None:
    assert "as of 0" in pay("empty", MAY)
    first, second = store("a"), store("b")
    for wrong in (second + 1, 0, -1):
        assert "is no settled id" in refuse("may", MAY, "--as-of", wrong, *options)[1]
    pay("all", MAY)

    status, message = refuse("again", MAY, "--as-of", first, *options)

    assert (status, f"up to {second}" in message) == (65, True)
    pay("again", MAY, "--as-of", second, *options)


@only_on("postgresql")
def test_a_run_leaves_out_what_follows_an_upload_in_progress(read: Read) -> None:
    store("a")
    with uncommitted_upload("b"):
        highest = store("c")

        assert refuse("may", MAY, "--as-of", highest)[0] == 65
        assert read("may") == ["007,2017-05-10,StoreZero,5.00,0.00,5.00,new,,payroll,"]

    assert read("june") == ["007,2017-05-10,StoreZero,15.00,5.00,10.00,correction,,payroll,"]


@pytest.mark.parametrize(
    ("label", "through", "options"),
    [
        pytest.param("may", date(2999, 1, 1), [], id="future"),
        pytest.param("may", MAY, ["--csv", "/"], id="folder"),
        pytest.param("may", MAY, ["--csv", "/nowhere/lines.csv"], id="no-folder"),
        pytest.param("may", MAY, ["--hold", "/nowhere/holds.csv"], id="no-holds"),
    ],
)
def test_wrong_usage(label: str, through: date, options: list[str]) -> None:
    assert refuse(label, through, *options)[0] == 2
    assert not Run.objects.exists()


@pytest.mark.parametrize("label", [".may", "_may", "", "m/y", "m" * 129])
def test_a_label_can_be_part_of_an_address(label: str) -> None:
    assert "must begin with a letter or digit" in refuse(label, MAY)[1]


def store_many(count: int) -> None:
    ingest(*(make_entry(f"{number:05}", user_id=f"{number:05}") for number in range(count)))


def test_uploads_do_not_wait_for_a_run() -> None:
    store_many(2 * CHUNK_ROWS + 1)
    stored: list[int] = []

    def upload(_: bytes) -> None:
        def store_in_thread() -> int:
            try:
                return store(f"meanwhile-{len(stored)}")
            finally:
                connections.close_all()

        stored.append(executor.submit(store_in_thread).result(10))

    with ThreadPoolExecutor(1) as executor:
        added = add("may", upload)

    # Before the lines, and between two pieces of them.
    assert len(stored) == 4
    assert RunLine.objects.filter(run=added).count() == 2 * CHUNK_ROWS + 1


def test_two_runs_wait_for_each_other(database: Database) -> None:
    store("a")
    has_begun, may_end = threading.Event(), threading.Event()

    def wait(_: bytes) -> None:
        has_begun.set()
        may_end.wait(10)

    with ThreadPoolExecutor(3) as executor:
        first = executor.submit(add, "first", wait)
        has_begun.wait(10)
        others = [executor.submit(add, label) for label in ("first", "second")]
        may_end.set()
        same, second = (other.result(10) for other in others)

    assert (same.pk, second.pk) == (first.result().pk, first.result().pk + 1)
    assert [line.run_id for line in RunLine.objects.all()] == [same.pk]
