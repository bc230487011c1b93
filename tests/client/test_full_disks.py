"""Uploads from and to disks that are full or read-only: small ones, in a namespace of their own."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.client.conftest import Site
from tests.client.ledger import Ledger
from tests.client.runs import write_csv
from tests.client.test_command import COMMAND, CRON, ROOT
from timesheets_client.errors import ExitStatus

UNREADABLE = "nothing of ours\n"
GOOD, REJECTED = "2026-01-01,1", "2026-01-01,26"
# All that is left of the disk.
FILL = "dd if=/dev/zero of=disk/.fill bs=4k 2>/dev/null"
UPLOAD = '"$@" >/dev/null; echo "status: $?"'


def unshare() -> list[str]:
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def can_mount() -> bool:
    try:
        probe = [*unshare(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not can_mount(), reason="no disk can be mounted here")


@dataclass(frozen=True)
class Ended:
    statuses: list[int]
    files: list[str]
    told: str


@dataclass(frozen=True)
class Disk:
    """A disk of 256 KiB at `disk`, which has what stands in `files` when it is mounted."""

    folder: Path
    files: Path
    variables: dict[str, str]

    def run(self, script: str, *words: str, options: str = "size=256k") -> Ended:
        """Run a script of the shell, in which "$@" is the uploader, in the disk's folder."""
        prepare = f'cd "$FOLDER" && mount -t tmpfs -o {options} tmpfs disk && cp -p files/* disk'
        ended = subprocess.run(
            [
                *unshare(),
                *("sh", "-c", f"{prepare}; {script}; find disk -type f"),
                *("sh", *COMMAND, "--retries", "0", *words),
            ],
            env=CRON | self.variables | {"FOLDER": str(self.folder), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = ended.stdout.splitlines()
        return Ended(
            statuses=[int(line.removeprefix("status: ")) for line in lines if line.startswith("status: ")],
            files=sorted(line for line in lines if line.startswith("disk/") and "/.fill" not in line),
            told=ended.stderr,
        )


@pytest.fixture
def disk(site: Site, tmp_path: Path) -> Disk:
    for name in ("disk", "files"):
        (tmp_path / name).mkdir()
    return Disk(tmp_path, tmp_path / "files", site.variables)


def write(disk: Disk, name: str, *rows: str, content: str | None = None) -> None:
    """A file on the disk, older than all that are written after it."""
    file = write_csv(disk.files / name, *rows)
    if content is not None:
        file.write_text(content)
    moment = 1_000 + len(list(disk.files.iterdir()))
    os.utime(file, (moment, moment))


def test_a_file_whose_rejects_find_no_room_stays_and_the_others_go_on(site: Site, disk: Disk) -> None:
    ledger = Ledger(site)
    write(disk, "a.csv", GOOD, REJECTED)
    write(disk, "b.csv", "2026-01-02,1")

    ended = disk.run(f"{FILL}; {UPLOAD}; rm disk/.fill; {UPLOAD}", "--spool", "disk")

    assert ended.statuses == [ExitStatus.TEMPORARY, ExitStatus.REJECTED]
    assert "No space left on device; make room there and run it again" in ended.told
    assert len(ledger.stored) == 2
    assert ended.files == [
        "disk/.lock",
        "disk/done/a.csv",
        "disk/done/b.csv",
        "disk/rejected/a.csv.rejected.ndjson",
    ]


@pytest.mark.parametrize("count", [1, 4_000], ids=["at the end", "in the middle"])
def test_nothing_is_left_of_rejects_that_find_no_room(site: Site, disk: Disk, count: int) -> None:
    Ledger(site)
    write(disk, "a.csv", *[REJECTED] * count)

    ended = disk.run(f"{FILL if count == 1 else 'true'}; {UPLOAD}", "--spool", "disk")

    assert ended.statuses == [ExitStatus.TEMPORARY]
    assert ended.files == ["disk/.lock", "disk/a.csv"]


def test_an_unreadable_file_whose_reason_finds_no_room_stays(site: Site, disk: Disk) -> None:
    Ledger(site)
    write(disk, "a.csv", content=UNREADABLE)
    write(disk, "b.csv", GOOD)

    ended = disk.run(f"{FILL}; {UPLOAD}", "--spool", "disk")

    assert ended.statuses == [ExitStatus.TEMPORARY]
    assert ended.files == ["disk/.lock", "disk/a.csv", "disk/done/b.csv"]


def test_a_disk_without_room_for_another_file_is_a_temporary_failure(site: Site, disk: Disk) -> None:
    Ledger(site)
    write(disk, "a.csv", GOOD)

    ended = disk.run(UPLOAD, "--spool", "disk", options="nr_inodes=4")

    assert ended.statuses == [ExitStatus.TEMPORARY]
    assert "No space left on device" in ended.told


def test_rejects_of_a_named_file_that_find_no_room_are_kept_by_the_next_run(site: Site, disk: Disk) -> None:
    ledger = Ledger(site)
    write(disk, "a.csv", GOOD, REJECTED)
    write(disk, "b.csv", "2026-01-02,1")

    ended = disk.run(f"{FILL}; {UPLOAD}; rm disk/.fill; {UPLOAD}", "disk/a.csv", "disk/b.csv")

    assert ended.statuses == [ExitStatus.TEMPORARY, ExitStatus.REJECTED]
    assert len(ledger.stored) == 2
    assert ended.files == ["disk/a.csv", "disk/a.csv.rejected.ndjson", "disk/b.csv"]


def test_a_token_that_finds_no_room_is_used_all_the_same(site: Site, disk: Disk) -> None:
    ledger = Ledger(site)
    write(disk, "a.csv", GOOD)

    ended = disk.run(f'{FILL}; export TIMESHEETS_STATE_DIR="$FOLDER/disk/state"; {UPLOAD}', "disk/a.csv")

    assert ended.statuses == [ExitStatus.DONE]
    assert "no token can be kept here: No space left on device" in ended.told
    assert len(ledger.stored) == 1
    assert not any(".tmp" in file for file in ended.files)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(GOOD, ExitStatus.DONE, id="nothing to reject"),
        pytest.param(REJECTED, ExitStatus.CONFIGURATION, id="something to reject"),
    ],
)
def test_a_read_only_folder_is_no_obstacle_until_something_is_rejected(
    site: Site, disk: Disk, row: str, expected: int
) -> None:
    Ledger(site)
    write(disk, "a.csv", row)

    ended = disk.run(f"mount -o remount,ro disk; {UPLOAD}", "disk/a.csv")

    assert ended.statuses == [expected]
    assert ended.files == ["disk/a.csv"]


def test_a_read_only_spool_folder_is_a_configuration_error_before_anything_is_sent(
    site: Site, disk: Disk
) -> None:
    Ledger(site)
    write(disk, "a.csv", GOOD)

    ended = disk.run(f"mount -o remount,ro disk; {UPLOAD}", "--spool", "disk")

    assert ended.statuses == [ExitStatus.CONFIGURATION]
    assert "Read-only file system" in ended.told
    assert site.received == []
