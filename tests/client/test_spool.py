import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

from tests.client.api import Api
from tests.client.conftest import Reply, Site
from tests.client.runs import HEADER, Run, list_files, run_client, write_csv
from tests.client.test_map_files import write
from timesheets_client.errors import ExitStatus
from timesheets_client.local_files import try_lock
from timesheets_client.reading.maps.files import load_map
from timesheets_client.reading.maps.rules import Cells, Rule


def test_finished_files_are_uploaded_and_moved_to_done(api: Api, spool: Path) -> None:
    write_csv(spool / "a.csv", "2026-01-01,1")
    write_csv(spool / "b.csv", "2026-01-02,1")

    assert Run().start(api.variables, spool=spool) == ExitStatus.DONE
    assert len(api.stored) == 2
    assert list_files(spool) == [".lock", "done/a.csv", "done/b.csv"]
    assert [request.path.rpartition("?")[2] for request in api.requests] == ["label=a.csv", "label=b.csv"]


def test_a_file_that_strict_refuses_is_not_moved_to_done(api: Api, spool: Path) -> None:
    write_csv(spool / "a.csv", "2026-01-01,1", "2026-01-02,26")
    write_csv(spool / "b.csv", "2026-01-03,1").write_text((spool / "b.csv").read_text().rstrip())
    write_csv(spool / "c.csv", "2026-01-04,1")

    assert Run().start(api.variables, spool=spool, is_strict=True) == ExitStatus.REJECTED
    assert len(api.stored) == 1
    assert list_files(spool) == [
        *(".lock", "done/c.csv", "rejected/a.csv", "rejected/a.csv.rejected.ndjson", "rejected/b.csv"),
    ]


def test_the_oldest_file_is_uploaded_first(api: Api, spool: Path) -> None:
    os.utime(write_csv(spool / "a.csv", "2026-01-02,1"), (2_000, 2_000))
    os.utime(write_csv(spool / "b.csv", "2026-01-01,1"), (1_000, 1_000))

    Run().start(api.variables, spool=spool)

    assert [batch[0]["date"] for batch in api.batches] == ["2026-01-01", "2026-01-02"]


def test_unfinished_files_stay(site: Site, api: Api, spool: Path) -> None:
    names = ["a.csv.tmp", "a.csv.part", ".a.csv", "~$a.xlsx", "a.csv.rejected.ndjson"]
    for name in names:
        write_csv(spool / name, "2026-01-01,1")

    Run().start(site.variables, spool=spool)

    assert list_files(spool) == sorted([".lock", *names])
    assert site.received == []


def test_an_unreadable_file_is_set_aside_with_the_reason(api: Api, spool: Path) -> None:
    (spool / "a.csv").write_text("nothing of ours\n")
    write_csv(spool / "b.csv", "2026-01-01,1")

    assert Run().start(api.variables, spool=spool) == ExitStatus.UNREADABLE
    assert list_files(spool) == [".lock", "done/b.csv", "rejected/a.csv", "rejected/a.csv.error.txt"]
    assert "must name the columns" in (spool / "rejected/a.csv.error.txt").read_text()


def take_fragile(cells: Cells) -> str:
    """The rule of a map that fails on one text, as no rule should."""
    if cells["email"] == "fatal":
        raise ZeroDivisionError("a text of the file")
    return cells["email"]


def test_a_spool_is_emptied_whatever_its_files_contain(api: Api, spool: Path, tmp_path: Path) -> None:
    layout = 'format = "%Y-%m-%d %H:%M%z"'
    period = f'start = "{{Start}}"\nend = "{{End}}"\n{layout}'
    stated = load_map(write(tmp_path, date=f'column = "Start"\n{layout}', hours=period), None)
    export = "Email,Project,Start,End\n007,X,2026-01-01 08:00Z,2026-01-01 09:00Z\n"
    zipped = gzip.compress(export.encode())
    entry = {"user_id": "007", "date": "2026-01-02", "project": "X", "hours": 1}
    unreadable = {
        "another-header.csv": HEADER.encode(),
        "binary": b"\0\1\2",
        "cut.csv.gz": zipped[:-9],
        "cut.json": json.dumps([entry]).encode()[:-3],
        "damaged.csv.gz": zipped[:20] + bytes(8) + zipped[28:],
        "damaged.xlsx": b"PK\3\4 and no more",
        "deep.json": b'[{"a": ' + b"[" * 200_000,
        "empty.csv": b"",
        "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "table.pdf": b"%PDF-1.7",
        "utf-16.csv": export.encode("utf-16"),
    }
    faulty = {
        "bytes.ndjson": b"\xff\n",
        "deep.ndjson": b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        "long-row.csv": export.encode() + b"x" * 2_000_000,
        "quote.csv": export.encode() + b'"',
    }
    good = {"good.csv": export.encode(), "good.json": json.dumps(entry).encode()}
    fatal = {"fatal.csv": export.replace("007", "fatal").encode()}
    for name, content in (unreadable | faulty | good | fatal).items():
        (spool / name).write_bytes(content)
    run = run_client(
        api.variables,
        spool=spool,
        entry_map=replace(stated, rules={**stated.rules, "user_id": Rule(["Email"], take_fragile)}),
    )

    assert run.status == ExitStatus.BUG
    assert list_files(spool) == sorted(
        [
            ".lock",
            *(f"done/{name}" for name in faulty | good),
            *(f"rejected/{name}.rejected.ndjson" for name in faulty),
            *(f"rejected/{name}{suffix}" for name in unreadable | fatal for suffix in ("", ".error.txt")),
        ]
    )
    stored = sorted(each["date"] for each in api.stored.values())
    assert stored == ["2026-01-01T08:00:00Z", "2026-01-02T00:00:00Z"]
    bug = "upload_timesheet has a bug: ZeroDivisionError. --traceback shows where; please report it."
    assert (spool / "rejected/fatal.csv.error.txt").read_text() == f"{bug}\n"
    assert bug in run.warned


def test_a_taken_name_gets_a_number(api: Api, spool: Path) -> None:
    for day in ("01", "02", "03"):
        write_csv(spool / "a.csv", f"2026-01-{day},1", "2026-01-01,26")
        Run().start(api.variables, spool=spool)

    assert list_files(spool) == [
        *(".lock", "done/a-2.csv", "done/a-3.csv", "done/a.csv", "rejected/a-2.csv.rejected.ndjson"),
        *("rejected/a-3.csv.rejected.ndjson", "rejected/a.csv.rejected.ndjson"),
    ]


def test_a_file_stays_after_a_temporary_failure(api: Api, spool: Path) -> None:
    write_csv(spool / "a.csv", "2026-01-01,1")
    api.troubles.append(Reply(status=503))

    first = Run().start(api.variables, spool=spool, retries=0)
    second = Run().start(api.variables, spool=spool, retries=0)

    assert (first, second) == (ExitStatus.TEMPORARY, ExitStatus.DONE)
    assert list_files(spool) == [".lock", "done/a.csv"]


def test_a_folder_that_another_run_has_locked_is_not_uploaded(site: Site, api: Api, spool: Path) -> None:
    write_csv(spool / "a.csv", "2026-01-01,1")
    run = Run()

    with (spool / ".lock").open("wb") as lock_file:
        assert try_lock(lock_file)
        status = run.start(site.variables, spool=spool)

    assert status == ExitStatus.TEMPORARY
    assert "another run works on this" in run.warned[0]
    assert site.received == []


def test_a_missing_folder_is_unreadable(site: Site, tmp_path: Path) -> None:
    run = run_client(site.variables, spool=tmp_path / "nope")

    assert run.status == ExitStatus.UNREADABLE
    assert run.warned == [f"--spool {tmp_path}/nope: is missing or is not a folder"]
