"""What --replace changes, and what it refuses."""

import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.client.api import Api
from tests.client.conftest import Reply, Site
from tests.client.runs import HEADER, Run, list_files
from timesheets_client.errors import ExitStatus
from timesheets_client.files.replaced_days import make_withdrawal
from timesheets_client.reading.maps.shipped import FOLDER as MAPS
from timesheets_client.sending.stored_entries import StoredEntry

DAYS = ("2026-06-01", "2026-06-30")
FULL = ["007,2026-06-01,X,8", "007,2026-06-02,X,8", "007,2026-06-02,X,8", "007,2026-06-30,Y,7.5"]


def write(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def replace(site: Site, file: Path, **options: Any) -> tuple[ExitStatus, Run]:
    run = options.pop("run", None) or Run()
    options = {"replaced_days": DAYS, "reason": "edited", **options}
    return run.start(site.variables, file, **options), run


def list_current(api: Api) -> list[str]:
    """The rows that count, as the file has them."""
    rows = [each for each in api.rows if "superseded_by" not in each and each["hours"]]
    return sorted(f"{row['user_id']},{row['date'][:10]},{row['project']},{row['hours']:g}" for row in rows)


@pytest.fixture
def june(site: Site, api: Api, tmp_path: Path) -> Path:
    """A file whose entries are stored."""
    file = write(tmp_path / "june.csv", *FULL)
    Run().start(site.variables, file)
    api.requests.clear()
    api.batches.clear()
    return file


def test_afterwards_the_api_has_exactly_what_the_file_has(site: Site, api: Api, june: Path) -> None:
    api.store("may", 8, date="2026-05-31")
    api.store("july", 8, date="2026-07-01")
    api.store("theirs", 6, user_id="009", date="2026-06-30T23:59:59Z")
    edited = [FULL[0], "007,2026-06-02,X,7", FULL[2], "007,2026-06-30,Z,7.5", "010,2026-06-03,X,1"]
    others = ["007,2026-05-31,X,8", "007,2026-07-01,X,8", "009,2026-06-30,X,6"]

    status, run = replace(site, write(june, *edited))

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert list_current(api) == sorted([*edited, *others])
    assert {row["reason"] for row in api.rows if row["hours"] == 0} == {"edited"}
    assert run.written[0] == f"{june}: 009 is not in the file and is left alone: 1 entry, 6 hours"
    assert run.written[1].startswith(
        f"{june}: 5 entries, 3 created, 0 corrected, 0 restored, 2 withdrawn, 2 already there, 0 rejected in"
    )
    [sent] = [batch for batch in api.batches if any("reason" in each for each in batch)][-1:]
    assert [each["hours"] for each in sent] == [0, 0, 7, 7.5, 1]
    rows = list(api.rows)
    status, run = replace(site, june)
    assert (status, api.rows) == (ExitStatus.DONE, rows)
    assert "0 created, 0 corrected, 0 restored, 0 withdrawn, 5 already there" in run.written[-1]


def test_what_is_back_is_restored_and_own_ids_are_corrected(site: Site, api: Api, june: Path) -> None:
    replace(site, write(june, *FULL[:3]), max_loss=100)
    replace(site, write(june, *FULL[:2], FULL[3]), max_loss=100)
    assert list_current(api) == sorted([*FULL[:2], FULL[3]])
    api.store("own", 4, project="X", date="2026-06-05")
    own = june.with_name("own.csv")
    own.write_text("entry_id," + HEADER + "".join(f",{row}\n" for row in FULL) + "own,007,2026-06-06,X,5\n")

    status, run = replace(site, own, run=Run(verbosity=2))

    assert status == ExitStatus.DONE
    assert list_current(api) == sorted([*FULL, "007,2026-06-06,X,5"])
    assert run.written[:2] == [
        f"{own}:4: restored: 007, 2026-06-02, X, 0 -> 8 hours",
        f"{own}:6: corrected: 007, 2026-06-05T00:00:00Z -> 2026-06-06, X, 4 -> 5 hours",
    ]


@pytest.mark.parametrize(("max_loss", "expected"), [("10", ExitStatus.DONE), ("9.99", ExitStatus.REJECTED)])
def test_the_employees_may_lose_exactly_so_much(
    site: Site, api: Api, tmp_path: Path, max_loss: str, expected: ExitStatus
) -> None:
    file = write(
        tmp_path / "june.csv", *(f"{user},2026-06-0{day},X,8" for user in "ab" for day in range(1, 6))
    )
    Run().start(site.variables, file)
    # What one employee gains is no compensation for what another loses.
    rest = [
        *(f"a,2026-06-0{day},X,8" for day in range(1, 5)),
        *(f"b,2026-06-0{day},X,9" for day in range(1, 6)),
    ]

    status, run = replace(site, write(file, *rest), max_loss=Decimal(max_loss))

    assert status == expected
    if expected is ExitStatus.REJECTED:
        assert len(api.rows) == 10
        assert run.warned[0] == (
            f"{file}: nothing was stored, because 8 of 80 hours would be lost, which is 10.0 % and more than "
            "9.99 %: a has 32 of 40; is it the whole export? If these hours must go, allow it with --max-loss"
        )


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("007,2026-05-31,X,8", "date: This is not one of the days from 2026-06-01 to 2026-06-30."),
        ("007,2026-07-01,X,8", "date: This is not one of the days from"),
        (
            "007,2026-06-01T00:30:00+02:00,X,8",
            "date: In the API's time zone this is another day. Send only the date.",
        ),
        ("007,2026-06-02,X,25", "hours: Ensure this value is less than or equal to 24."),
        ("007,2026-06-02,X,8,5", "this row has 5 cells"),
    ],
)
def test_a_file_with_one_wrong_row_changes_nothing(
    site: Site, api: Api, june: Path, row: str, problem: str
) -> None:
    status, run = replace(site, write(june, *FULL[:3], row), max_loss=100)

    assert status == ExitStatus.REJECTED
    assert f"{june}:5: {problem}" in run.warned[0]
    assert "because --replace needs every row, and 1 of 4 would be rejected" in run.warned[1]
    assert len(api.rows) == len(FULL)
    assert list_files(june.parent) == ["june.csv"]


def test_times_count_for_the_day_that_they_show(site: Site, api: Api, june: Path, settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Asia/Kathmandu"
    rows = [f"007,2026-06-{day}+05:45,X,1" for day in ("01T00:00:00", "30T23:59:59")]

    status, _ = replace(site, write(june, *rows), max_loss=100)

    assert status == ExitStatus.DONE
    assert len(list_current(api)) == len(rows)


@pytest.mark.parametrize(
    ("reply", "expected", "problem"),
    [
        pytest.param(
            Reply(status=200, body={}),
            ExitStatus.CONFIGURATION,
            "this API does not say in which time zone it counts their days; send only the dates",
            id="an older API",
        ),
        pytest.param(Reply(status=503), ExitStatus.TEMPORARY, "503; run it again later", id="busy"),
    ],
)
def test_times_are_only_sent_if_the_zone_of_the_api_is_known(
    site: Site, api: Api, june: Path, reply: Reply, expected: ExitStatus, problem: str
) -> None:
    site.replies["/.well-known/oauth-protected-resource/timesheets/upload"] = reply
    rows = [*FULL[:3], "007,2026-06-30T08:00:00Z,Y,7.5"]

    status, run = replace(site, write(june, *rows), retries=0)

    assert (status, len(api.rows)) == (expected, len(FULL))
    assert problem in run.warned[0]
    assert replace(site, write(june, *FULL))[0] == ExitStatus.DONE


def test_an_entry_that_can_never_be_withdrawn_is_refused(site: Site, api: Api, june: Path) -> None:
    api.store(None, 1)

    status, run = replace(site, june)

    assert (status, len(api.rows)) == (ExitStatus.REJECTED, 5)
    assert "have no entry_id and can neither be matched nor withdrawn: timesheet 5" in run.warned[0]


def test_a_file_without_rows_changes_nothing(site: Site, api: Api, june: Path) -> None:
    status, run = replace(site, write(june))

    assert (status, api.requests) == (ExitStatus.DONE, [])
    assert ": 0 entries, 0 created" in run.written[0]


def test_a_check_shows_the_changes_and_their_sums(site: Site, api: Api, june: Path) -> None:
    status, run = replace(site, write(june, *FULL[:3], "007,2026-06-30,Y,8"), is_check=True)

    assert (status, run.warned, len(api.rows)) == (ExitStatus.DONE, [], len(FULL))
    assert run.written[6:] == [
        "timesheet 4: would be withdrawn: 007, 2026-06-30T00:00:00Z, Y, 7.5 -> 0 hours",
        f"{june}:5: would be created: 007, 2026-06-30, Y, 8 hours",
        "created: 1 entry, 0 -> 8 hours",
        "corrected: 0 entries, 0 -> 0 hours",
        "restored: 0 entries, 0 -> 0 hours",
        "withdrawn: 1 entry, 7.5 -> 0 hours",
        (
            f"ok       {june}: 4 entries, 1 would be created, 1 would be withdrawn, 3 already there, "
            "0 rejected; nothing was stored (--check)"
        ),
    ]


def test_a_change_in_the_meantime_ends_the_run(site: Site, api: Api, june: Path) -> None:
    entry_id = next(each for each, row in api.stored.items() if row["project"] == "Y")
    other = {"entry_id": entry_id, "hours": 3, "revision": 2, "reason": "theirs"}
    api.troubles += [lambda: None, lambda: None, lambda: api.add(other)]

    status, run = replace(site, write(june, *FULL[:3]), max_loss=100)

    assert status == ExitStatus.TEMPORARY
    assert api.revisions(entry_id)[1:] == [(3, "theirs")]
    assert run.warned == [
        f"{june}: 0 of 1 changes are stored; run it again for the rest",
        "timesheet 4: another sender changed the stored entry at the same time; run it again",
    ]


def test_wherever_it_stops_the_same_command_ends_in_the_same_state(
    site: Site, api: Api, tmp_path: Path
) -> None:
    """Every entry of `a` is replaced, and `b` loses as much as may be lost."""
    old = [*(f"a,2026-06-0{day},X,8" for day in (1, 2)), *(f"b,2026-06-0{day},X,4" for day in (1, 2, 3))]
    new = [*(row.replace("X", "Y") for row in old[:3]), old[3]]
    max_loss = Decimal(400) / 28 + Decimal("1e-9")
    file = write(tmp_path / "june.csv", *old)
    Run().start(site.variables, file)
    write(file, *new)
    while True:
        # Each run stores one change of those that are left, and its answer is lost.
        before = len(api.rows)
        api.troubles.clear()
        dry = sum(1 for _ in new) + count_surplus(api, new)
        api.troubles += [*[lambda: None] * dry, "lost"]
        status, _ = replace(site, file, batch_size=1, retries=0, max_loss=max_loss)
        assert status in (ExitStatus.DONE, ExitStatus.TEMPORARY)
        if status == ExitStatus.DONE:
            break
        assert len(api.rows) == before + 1

    assert list_current(api) == sorted(new)


def count_surplus(api: Api, rows: list[str]) -> int:
    return sum(row not in rows for row in list_current(api))


def test_the_changes_of_a_large_file_take_little_memory() -> None:
    """With 100,000 entries, each of them withdrawn and created again, the client has 200 MB."""

    members = '{"user_id": "007", "date": "2026-06-01T00:00:00Z", "project": "X", "hours": 7.5}'

    tracemalloc.start()
    changes = [
        make_withdrawal(
            StoredEntry(
                timesheet_id=number,
                members=json.loads(members),
                entry_id=f"20260601-{number:032x}",
                revision=1,
                is_superseded=False,
            ),
            "edited",
        )
        for number in range(1_000)
    ]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken / len(changes) < 600


def test_a_mapped_export_is_replaced(site: Site, api: Api, tmp_path: Path) -> None:
    header = "First Name,Last Name,Date,Project,Hours\n"
    file = tmp_path / "a.csv"
    file.write_text(f"{header}Ada,Byron,2026-06-01,X,2\n")
    Run().start(site.variables, file, map_file=MAPS / "harvest.toml")
    file.write_text(f"{header}Ada,Byron,2026-06-01,X,1\n")

    status, _ = replace(site, file, map_file=MAPS / "harvest.toml", max_loss=Decimal(100))

    assert (status, list_current(api)) == (ExitStatus.DONE, ["Ada Byron,2026-06-01,X,1"])


@pytest.mark.parametrize("path", sorted(MAPS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_map_without_ids_says_at_its_top_how_to_send_an_edited_export(path: Path) -> None:
    text = path.read_text()

    assert ("--replace" in "".join(text.splitlines()[:5])) == ("[entry_id]" not in text)
