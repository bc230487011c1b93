"""Uploads from and to small disks that are full or read-only, mounted in their own namespace."""

import os
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.client.api import Api
from tests.client.conftest import Received, Reply, Site
from tests.client.runs import PROGRAM, write_csv
from tests.client.test_command import CRON, ROOT
from tests.client.test_downloads import make_row
from timesheets_client.errors import ExitStatus

UNREADABLE = "nothing of ours\n"
GOOD, REJECTED = "2026-01-01,1", "2026-01-01,26"
# Fills the rest of the disk.
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


pytestmark = pytest.mark.skipif(not can_mount(), reason="this machine cannot mount a disk")


@dataclass(frozen=True)
class Result:
    statuses: list[int]
    files: list[str]
    errors: str
    output: str


@dataclass(frozen=True)
class Disk:
    """A disk of 256 KiB, mounted at `disk`. It starts with a copy of `files`."""

    folder: Path
    files: Path
    variables: dict[str, str]

    def run(self, script: str, *words: str, options: str = "size=256k") -> Result:
        """Run a shell script, in which "$@" is the client, in the folder of the disk."""
        prepare = f'cd "$FOLDER" && mount -t tmpfs -o {options} tmpfs disk && cp -p files/* disk'
        result = subprocess.run(
            [
                *unshare(),
                *("sh", "-c", f"{prepare}; {script}; find disk -type f"),
                *("sh", *PROGRAM, "--retries", "0", *words),
            ],
            env=CRON | self.variables | {"FOLDER": str(self.folder), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = result.stdout.splitlines()
        return Result(
            statuses=[int(line.removeprefix("status: ")) for line in lines if line.startswith("status: ")],
            files=sorted(line for line in lines if line.startswith("disk/") and "/.fill" not in line),
            errors=result.stderr,
            output=result.stdout,
        )


@pytest.fixture
def disk(site: Site, tmp_path: Path) -> Disk:
    for name in ("disk", "files"):
        (tmp_path / name).mkdir()
    return Disk(tmp_path, tmp_path / "files", site.variables)


def write(disk: Disk, name: str, *rows: str, content: str | None = None) -> None:
    """A file for the disk, older than all later ones."""
    file = write_csv(disk.files / name, *rows)
    if content is not None:
        file.write_text(content)
    timestamp = 1_000 + len(list(disk.files.iterdir()))
    os.utime(file, (timestamp, timestamp))


@pytest.mark.parametrize(
    ("words", "files"),
    [
        pytest.param(
            ["--spool", "disk"],
            ["disk/.lock", "disk/done/a.csv", "disk/done/b.csv", "disk/rejected/a.csv.rejected.ndjson"],
            id="spool",
        ),
        pytest.param(
            ["disk/a.csv", "disk/b.csv"],
            ["disk/a.csv", "disk/a.csv.rejected.ndjson", "disk/b.csv"],
            id="named",
        ),
    ],
)
def test_without_space_for_its_rejects_a_file_stays_for_the_next_run(
    api: Api, disk: Disk, words: list[str], files: list[str]
) -> None:
    write(disk, "a.csv", GOOD, REJECTED)
    write(disk, "b.csv", "2026-01-02,1")

    result = disk.run(f"{FILL}; {UPLOAD}; rm disk/.fill; {UPLOAD}", *words)

    assert result.statuses == [ExitStatus.TEMPORARY, ExitStatus.REJECTED]
    assert "No space left on device; make room there and run it again" in result.errors
    assert len(api.stored) == 2
    assert result.files == files


@pytest.mark.parametrize("count", [1, 4_000], ids=["at the end", "in the middle"])
def test_without_space_for_rejects_nothing_is_left_of_them(api: Api, disk: Disk, count: int) -> None:
    write(disk, "a.csv", *[REJECTED] * count)

    result = disk.run(f"{FILL if count == 1 else 'true'}; {UPLOAD}", "--spool", "disk")

    assert result.statuses == [ExitStatus.TEMPORARY]
    assert result.files == ["disk/.lock", "disk/a.csv"]


def test_without_space_for_the_reason_an_unreadable_file_stays(api: Api, disk: Disk) -> None:
    write(disk, "a.csv", content=UNREADABLE)
    write(disk, "b.csv", GOOD)

    result = disk.run(f"{FILL}; {UPLOAD}", "--spool", "disk")

    assert result.statuses == [ExitStatus.TEMPORARY]
    assert result.files == ["disk/.lock", "disk/a.csv", "disk/done/b.csv"]


def test_without_space_for_the_token_it_is_still_used(api: Api, disk: Disk) -> None:
    write(disk, "a.csv", GOOD)

    result = disk.run(f'{FILL}; export TIMESHEETS_STATE_DIR="$FOLDER/disk/state"; {UPLOAD}', "disk/a.csv")

    assert result.statuses == [ExitStatus.DONE]
    assert "no token can be kept here: No space left on device" in result.errors
    assert len(api.stored) == 1
    assert not any(".tmp" in file for file in result.files)


def test_without_space_for_a_copy_of_standard_input_nothing_is_sent(site: Site, api: Api, disk: Disk) -> None:
    write(disk, "a.csv", *[GOOD] * 20_000)

    result = disk.run(
        f'rm disk/a.csv; export TMPDIR="$FOLDER/disk"; {UPLOAD.replace(">", "<files/a.csv >", 1)}',
        *("-", "--expect-entries", "20000"),
    )

    assert result.statuses == [ExitStatus.TEMPORARY]
    assert "standard input: there is no space for a temporary copy of it" in result.errors
    assert (site.received, result.files) == ([], [])


@pytest.mark.parametrize("fills", ["at the start", "in the middle"])
def test_without_space_for_a_download_it_continues_later(
    site: Site, api: Api, disk: Disk, fills: str
) -> None:
    site.replies["/timesheets"] = partial(answer_thousands, 10)
    fill = FILL if fills == "at the start" else "true"

    result = disk.run(
        f"{fill}; {UPLOAD}; rm -f disk/.fill; mount -o remount,size=4m disk; {UPLOAD}; wc -l disk/june.csv",
        *("--download", "disk/june.csv", "--since", "2026-06-01"),
    )

    assert result.statuses == [ExitStatus.TEMPORARY, ExitStatus.DONE]
    assert "No space left on device; make room there and run it again" in result.errors
    assert ("the same command continues there" in result.errors) == (fills == "in the middle")
    assert "10001 disk/june.csv" in result.output
    assert result.files == ["disk/june.csv"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(GOOD, ExitStatus.DONE, id="nothing to reject"),
        pytest.param(REJECTED, ExitStatus.CONFIGURATION, id="one entry to reject"),
    ],
)
def test_a_read_only_folder_matters_only_if_something_is_rejected(
    api: Api, disk: Disk, row: str, expected: int
) -> None:
    write(disk, "a.csv", row)

    result = disk.run(f"mount -o remount,ro disk; {UPLOAD}", "disk/a.csv")

    assert result.statuses == [expected]
    assert result.files == ["disk/a.csv"]


def test_a_read_only_spool_folder_is_a_configuration_error_before_anything_is_sent(
    site: Site, api: Api, disk: Disk
) -> None:
    write(disk, "a.csv", GOOD)

    result = disk.run(f"mount -o remount,ro disk; {UPLOAD}", "--spool", "disk")

    assert result.statuses == [ExitStatus.CONFIGURATION]
    assert "Read-only file system" in result.errors
    assert site.received == []


def answer_thousands(count: int, received: Received) -> Reply:
    """A page of a thousand entries, with ids up to a thousand times `count`."""
    query = parse_qs(urlsplit(received.path).query)
    first = int(query.get("cursor", ["1"])[0])
    rows = [{**make_row(), "id": number, "entry_id": f"e{number}"} for number in range(first, first + 1_000)]
    is_last = first + 1_000 > 1_000 * count
    body = {"results": rows, "next": None if is_last else f"/timesheets?cursor={first + 1_000}"}
    return Reply(status=200, body=body, headers={"Timesheets-As-Of": str(1_000 * count)})
