"""Spool and state folders that contain links, devices and folders of other users."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client.api import Api
from tests.client.conftest import Site
from tests.client.runs import HEADER, Run, list_files, run_client, write_csv
from tests.client.test_streams import CONTROLS, LATIN_1
from timesheets_client.errors import ExitStatus
from timesheets_client.files.folders import stay_in
from timesheets_client.local_files import replace_file

UNREADABLE = "nothing of ours\n"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


def give_away(folder: Path) -> None:
    """Make a folder of another user."""
    folder.mkdir()
    os.chown(folder, 12_345, 12_345)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that must not change."""
    path = tmp_path / "victim"
    path.write_text("precious")
    os.utime(path, (1_000, 1_000))
    return path


def is_untouched(victim: Path) -> bool:
    return victim.read_text() == "precious" and victim.stat().st_mtime == 1_000


def test_a_linked_file_is_skipped_with_a_warning(api: Api, spool: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "private.csv", "2026-01-01,1")
    (spool / "a.csv").symlink_to(tmp_path / "private.csv")
    write_csv(spool / "b.csv", "2026-01-02,1")
    run = run_client(api.variables, spool=spool, verbosity=0)

    assert run.status == ExitStatus.DONE
    assert run.warned == [f"{spool}/a.csv: is a symbolic link and is skipped"]
    assert [entry["date"] for entry in api.rows] == ["2026-01-02T00:00:00Z"]
    assert list_files(spool) == [".lock", "a.csv", "done/b.csv"]


TAKEN_AWAY = [
    pytest.param(
        lambda path: path.symlink_to(path.parents[1] / "elsewhere"), "is a link or a file", id="linked"
    ),
    pytest.param(give_away, "belongs to another user", id="another user's", marks=needs_root),
]


@pytest.mark.parametrize(("take_away", "problem"), TAKEN_AWAY)
@pytest.mark.parametrize("name", ["done", "rejected"])
def test_a_folder_in_the_spool_folder_that_is_not_ours_is_a_configuration_error(
    site: Site, spool: Path, tmp_path: Path, name: str, take_away: Callable[[Path], object], problem: str
) -> None:
    write_csv(spool / "a.csv", "2026-01-01,26")
    (tmp_path / "elsewhere").mkdir()
    take_away(spool / name)
    run = run_client(site.variables, spool=spool)

    assert run.status == ExitStatus.CONFIGURATION
    assert run.warned[0].startswith(f"{spool}/{name}: cannot be used: {problem}")
    assert list_files(tmp_path / "elsewhere") == []
    assert site.received == []


@pytest.mark.parametrize("target", ["victim", "nothing", "pipe"])
def test_a_lock_that_is_a_link_or_no_file_is_a_configuration_error(
    site: Site, spool: Path, victim: Path, tmp_path: Path, target: str
) -> None:
    if target == "pipe":
        os.mkfifo(spool / ".lock")
    else:
        (spool / ".lock").symlink_to(tmp_path / target)
    write_csv(spool / "a.csv", "2026-01-01,1")

    assert Run().start(site.variables, spool=spool) == ExitStatus.CONFIGURATION
    assert is_untouched(victim)
    assert not (tmp_path / "nothing").exists()
    assert site.received == []


@pytest.mark.parametrize("exists", [True, False], ids=["to a file", "to nothing"])
def test_a_linked_error_file_stops_only_its_own_file(
    api: Api, spool: Path, victim: Path, tmp_path: Path, exists: bool
) -> None:
    (spool / "a.csv").write_text(UNREADABLE)
    (spool / "rejected").mkdir()
    (spool / "rejected/a.csv.error.txt").symlink_to(victim if exists else tmp_path / "nothing")
    write_csv(spool / "b.csv", "2026-01-01,1")

    assert Run().start(api.variables, spool=spool) == ExitStatus.CONFIGURATION
    assert is_untouched(victim)
    assert not (tmp_path / "nothing").exists()
    assert list_files(spool) == [".lock", "a.csv", "done/b.csv", "rejected/a.csv.error.txt"]


@pytest.mark.parametrize("name", ["done/a.csv", "rejected/a.csv.rejected.ndjson"])
def test_the_name_of_a_link_counts_as_taken(
    api: Api, spool: Path, victim: Path, tmp_path: Path, name: str
) -> None:
    write_csv(spool / "a.csv", "2026-01-01,26")
    (spool / name).parent.mkdir()
    (spool / name).symlink_to(tmp_path / "nothing")

    assert Run().start(api.variables, spool=spool) == ExitStatus.REJECTED
    assert (spool / name).is_symlink()
    assert (spool / name.replace("a.csv", "a-2.csv")).is_file()
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_becomes_a_link_during_the_upload_is_not_followed(
    api: Api, spool: Path, tmp_path: Path
) -> None:
    write_csv(spool / "a.csv", "2026-01-01,26", "2026-01-01,1")
    (tmp_path / "elsewhere").mkdir()

    def link() -> None:
        for name in ("done", "rejected"):
            (spool / name).rename(spool / f"{name}-before")
            (spool / name).symlink_to(tmp_path / "elsewhere")

    api.troubles.append(link)
    run = run_client(api.variables, spool=spool)

    assert (run.status, len(api.batches)) == (ExitStatus.CONFIGURATION, 1)
    assert "is a link or a file, not a folder" in run.warned[-1]
    assert (spool / "a.csv").exists()
    assert list_files(tmp_path / "elsewhere") == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such a path")
def test_a_folder_that_becomes_a_link_just_before_a_write_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "done", tmp_path / "elsewhere"
    elsewhere.mkdir()

    with stay_in(folder) as stable:
        folder.rename(tmp_path / "before")
        folder.symlink_to(elsewhere)
        replace_file(stable / "a.csv", [b"stored"])

    assert list_files(elsewhere) == []
    assert (tmp_path / "before/a.csv").read_text() == "stored"


@pytest.mark.parametrize(("take_away", "problem"), TAKEN_AWAY)
def test_rejects_of_standard_input_go_only_to_our_own_folder(
    api: Api, tmp_path: Path, take_away: Callable[[Path], object], problem: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").mkdir()
    take_away(tmp_path / "state/rejected")
    run = run_client(api.variables, "-", stdin=f"{HEADER}007,2026-01-01,StoreZero,26\n".encode())

    assert run.status == ExitStatus.CONFIGURATION
    assert "rejected" in run.warned[-1]
    assert list_files(tmp_path) == []


def test_a_file_that_is_replaced_during_the_upload_is_not_moved_to_done(api: Api, spool: Path) -> None:
    write_csv(spool / "a.csv", "2026-01-01,1", "2026-01-01,26")
    api.troubles.append(lambda: write_csv(spool / "a.csv.part", "2026-01-02,1").rename(spool / "a.csv"))

    first = run_client(api.variables, spool=spool)
    second = run_client(api.variables, spool=spool)

    assert (first.status, second.status) == (ExitStatus.TEMPORARY, ExitStatus.DONE)
    assert f"{spool}/a.csv: was replaced during the upload; run it again" in first.warned
    assert [entry["date"][:10] for entry in api.rows] == ["2026-01-01", "2026-01-02"]
    assert list_files(spool) == [".lock", "done/a.csv", "rejected/a.csv.rejected.ndjson"]


def test_a_file_that_disappears_does_not_stop_the_others(api: Api, spool: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        write_csv(spool / name, "2026-01-01,1")
    api.troubles.append(lambda: (spool / "b.csv").unlink())

    assert Run().start(api.variables, spool=spool) == ExitStatus.TEMPORARY
    assert list_files(spool) == [".lock", "done/a.csv", "done/c.csv"]


def test_files_with_unprintable_names_are_moved_under_the_same_names(api: Api, spool: Path) -> None:
    names = [LATIN_1, f"{CONTROLS}\n.csv"]
    for number, name in enumerate(names):
        write_csv(spool / name, f"2026-01-0{number + 1},1", f"2026-01-0{number + 1},26")
        (spool / f"bad-{name}").write_text(f"{CONTROLS},x\n")
    run = run_client(api.variables, spool=spool)

    output = "\n".join([*run.written, *run.warned])
    assert run.status == ExitStatus.UNREADABLE
    assert output.replace("\n", "").isprintable()
    assert len(api.stored) == 2
    for name in names:
        assert (spool / "done" / name).is_file()
        assert (spool / f"rejected/{name}.rejected.ndjson").read_text().isascii()
        reason = (spool / f"rejected/bad-{name}.error.txt").read_text()
        assert reason.removesuffix("\n").isprintable()
    fixed = next((spool / "rejected").glob("Stunden*.ndjson"))
    fixed.write_text(fixed.read_text().replace('"hours": 26', '"hours": 2'))
    assert Run().start(api.variables, fixed) == ExitStatus.DONE


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(f"{HEADER}007,2026-01-01,StoreZero,26\n", ExitStatus.REJECTED, id="rejected"),
        pytest.param(UNREADABLE, ExitStatus.UNREADABLE, id="unreadable"),
    ],
)
def test_a_file_with_the_longest_name_is_moved(api: Api, spool: Path, content: str, expected: int) -> None:
    name = f"{'a' * 251}.csv"
    (spool / name).write_text(content)

    assert Run().start(api.variables, spool=spool) == expected
    assert len(list_files(spool)) == 3


@pytest.mark.parametrize(("mode", "expected"), [(0o640, 0o640), (0, 0o600)])
def test_an_error_file_is_readable_for_us_and_for_readers_of_the_file(
    api: Api, spool: Path, mode: int, expected: int
) -> None:
    (spool / "a.csv").write_text(UNREADABLE)
    (spool / "a.csv").chmod(mode)

    Run().start(api.variables, spool=spool)

    assert (spool / "rejected/a.csv.error.txt").stat().st_mode & 0o777 == expected


def test_a_killed_run_leaves_no_rejects(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "x,1", "2026-01-01,1")
    during: list[str] = []
    api.troubles.append(lambda: during.extend(list_files(tmp_path)))

    assert Run().start(api.variables, file) == ExitStatus.REJECTED
    assert during == ["a.csv"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        # Like /dev/null, which root could overwrite.
        pytest.param("pipe", ExitStatus.CONFIGURATION, id="not a file"),
        pytest.param("a.csv", ExitStatus.USAGE, id="the input"),
    ],
)
def test_rejects_never_replace_a_device_or_the_input(
    site: Site, api: Api, tmp_path: Path, target: str, expected: int
) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1")
    os.mkfifo(tmp_path / "pipe")

    assert Run().start(site.variables, file, rejects=tmp_path / target) == expected
    assert file.exists()
    assert (tmp_path / "pipe").is_fifo()
    assert site.received == []
