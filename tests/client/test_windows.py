"""The client without what only POSIX has. Each run is a process from which that is taken away."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from tests.client.api import Api
from tests.client.conftest import SECRET, Reply, Site
from tests.client.runs import HEADER, list_files, write_csv, write_days
from tests.kit.processes import REPOSITORY, make_environment, run_python
from timesheets_client.environment.variables import read_text_file
from timesheets_client.files.folders import add_suffix
from timesheets_client.local_files import is_link, try_lock
from timesheets_client.program import read_env_file
from timesheets_client.reading.maps.files import load_map
from timesheets_client.sending import uploads
from timesheets_files.printable import escape_bytes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="takes away what only POSIX has")

PROGRAM = REPOSITORY / "tests/client/as_on_windows.py"


def start(site: Site, *arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, PROGRAM, *arguments],
        env=make_environment(
            PYTHONPATH=str(REPOSITORY), PYTHONIOENCODING="cp1252", **(site.variables | variables)
        ),
        cwd=site.state_dir.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="cp1252",
    )


def run(site: Site, *arguments: str | Path, stdin: str = "", **variables: str) -> tuple[int, str, str]:
    process = start(site, *arguments, **variables)
    stdout, stderr = process.communicate(stdin, timeout=60)
    return process.returncode, stdout, stderr


def test_a_run_has_nothing_that_only_posix_has() -> None:
    actions = ["import fcntl", "os.geteuid()", "os.O_NOFOLLOW", "os.open('.', 0, dir_fd=3)"]
    tries = "".join(
        f"try: {each}\nexcept Exception as error: print(type(error).__name__)\n" for each in actions
    )

    result = run_python("-c", f"from tests.client.as_on_windows import *\nbecome_windows()\n{tries}")

    assert result.stdout.split() == ["ModuleNotFoundError", *["AttributeError"] * 2, "NotImplementedError"]


def test_a_file_is_uploaded_with_its_rejects(site: Site, api: Api, tmp_path: Path) -> None:
    write_csv(tmp_path / "week23.csv", "2026-01-01,1", "2026-01-02,26")

    first = run(site, "week23.csv")
    again = run(site, "week23.csv")

    assert (first[0], len(api.stored)) == (65, 1)
    assert "week23.csv: 2 entries, 1 created, 0 already there, 1 rejected in " in first[1]
    assert "week23.csv: 2 entries, 0 created, 1 already there, 1 rejected in " in again[1]
    assert list_files(tmp_path)[-2:] == ["week23.csv", "week23.csv.rejected.ndjson"]
    # The second run found the token of the first.
    assert site.count("/oauth/token") == 1


def test_a_secret_file_is_used_whatever_its_mode_says(site: Site, api: Api, tmp_path: Path) -> None:
    write_days(tmp_path / "a.csv", 1)
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    secret.chmod(0o644)

    status, _, problems = run(site, "a.csv", AUTH0_CLIENT_SECRET="", AUTH0_CLIENT_SECRET_FILE=str(secret))

    assert (status, problems) == (0, "")


def test_a_folder_is_emptied(site: Site, api: Api, spool: Path) -> None:
    write_days(spool / "good.csv", 2)
    write_csv(spool / "partly.csv", "2026-01-01,1", "2026-01-02,26")
    (spool / "notes.csv").write_text("no header\n")
    write_days(spool / "unfinished.csv.part", 1)

    status, _, problems = run(site, "--spool", spool)

    assert status == 66, problems
    assert list_files(spool) == [
        *(".lock", "done/good.csv", "done/partly.csv", "rejected/notes.csv"),
        *("rejected/notes.csv.error.txt", "rejected/partly.csv.rejected.ndjson", "unfinished.csv.part"),
    ]


@pytest.mark.parametrize("name", [pytest.param("a.csv", id="file"), pytest.param(".lock", id="folder")])
def test_what_another_run_has_locked_is_not_uploaded(site: Site, api: Api, spool: Path, name: str) -> None:
    write_days(spool / "a.csv", 1)
    (spool / ".lock").touch()

    with (spool / name).open("rb") as held:
        assert try_lock(held)
        arguments = ["--spool", spool] if name == ".lock" else [spool / "a.csv"]
        status, _, problems = run(site, *arguments)

    assert (status, api.requests) == (75, [])
    assert "another run works on this" in problems


def test_drafts_are_removed(site: Site, api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,26", "2026-01-02,1")
    api.troubles.extend(["fine", Reply(status=400, body={"code": "malformed", "detail": "No."})])

    status, _, _ = run(site, file, "--batch-size", "1")

    assert status not in (0, 65)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == [file]


@pytest.mark.parametrize("variable", ["OPENED_ELSEWHERE", "CLOSED_ELSEWHERE"])
def test_a_file_that_another_program_has_open_stays_for_the_next_run(
    site: Site, api: Api, spool: Path, variable: str
) -> None:
    write_csv(spool / "a.csv", "2026-01-01,1", "2026-01-02,26")
    write_days(spool / "b.csv", 3)

    status, _, problems = run(site, "--spool", spool, **{variable: "a.csv"})

    assert status == 75
    assert "a.csv: " in problems
    assert "another program has it open" in problems
    assert list_files(spool) == [".lock", "a.csv", "done/b.csv"]


def test_a_link_in_place_of_the_lock_is_refused(site: Site, api: Api, spool: Path, tmp_path: Path) -> None:
    write_days(spool / "a.csv", 1)
    (tmp_path / "elsewhere").touch()
    (spool / ".lock").symlink_to(tmp_path / "elsewhere")

    status, _, problems = run(site, "--spool", spool)

    assert (status, api.requests) == (78, [])
    assert ".lock: cannot be locked" in problems


def test_standard_input_is_read_twice_for_its_totals(site: Site, api: Api) -> None:
    content = f"{HEADER}007,2026-01-01,StoreZero,5\n"

    right = run(site, "-", "--expect-entries", "1", stdin=content)
    wrong = run(site, "-", "--expect-entries", "2", stdin=content)

    assert (right[0], wrong[0], len(api.requests)) == (0, 65, 1)


def test_ctrl_break_ends_a_run(site: Site) -> None:
    site.hangs_at = "/oauth/token"
    process = start(site, "--example")

    assert site.arrived.wait(30)
    # The emulation calls it SIGBREAK.
    process.send_signal(signal.SIGUSR1)
    _, problems = process.communicate(timeout=60)

    assert (process.returncode, problems) == (143, "")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        pytest.param(r"C:\exports\week 23.csv", "week-23.csv", id="drive"),
        pytest.param(r"\\files\hours\week23.csv", "week23.csv", id="share"),
        pytest.param("C:week23.csv", "week23.csv", id="folder-of-the-drive"),
        pytest.param("exports/week23.csv", "week23.csv", id="slash"),
    ],
)
def test_a_label_has_no_folder(path: str, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "Path", PureWindowsPath)

    assert uploads.make_label(path) == label


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        pytest.param(0xA0000003, True, id="junction"),
        pytest.param(0xA000000C, True, id="symbolic-link"),
        # OneDrive keeps the content elsewhere, but the name is the file's own.
        pytest.param(0x9000001A, False, id="onedrive"),
        pytest.param(0, False, id="none"),
    ],
)
def test_a_junction_is_a_link(tag: int, expected: bool) -> None:
    status = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag)

    assert is_link(cast("os.stat_result", status)) is expected


def test_half_of_a_surrogate_pair_in_a_name_is_escaped() -> None:
    assert escape_bytes("week\ud800\udce4.csv") == "week\\ud800\\xe4.csv"


def test_a_name_is_cut_between_characters() -> None:
    name = add_suffix("\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 200, ".rejected.ndjson")

    assert len(name.encode()) <= 255
    assert name.removesuffix(".rejected.ndjson").strip("\N{LATIN SMALL LETTER U WITH DIAERESIS}") == ""


def test_a_byte_order_mark_is_no_part_of_a_variable(tmp_path: Path) -> None:
    secret, variables = tmp_path / "secret.txt", tmp_path / "client.env"
    for path, text in ((secret, "hidden\n"), (variables, "AUTH0_CLIENT_ID=payroll\n")):
        path.write_text(text, encoding="utf-8-sig")
        path.chmod(0o600)

    assert read_text_file(str(secret)) == ("hidden\n", True)
    assert read_env_file(str(variables)) == {"AUTH0_CLIENT_ID": "payroll"}


def test_a_byte_order_mark_is_no_part_of_a_mapping_file(tmp_path: Path) -> None:
    text = (REPOSITORY / "timesheets_client/maps/toggl.toml").read_text(encoding="utf-8")
    (tmp_path / "users.csv").write_text("Email,user_id\nanna@example.com,007\n")
    path = tmp_path / "toggl.toml"
    path.write_text(text, encoding="utf-8-sig")

    assert load_map(path, ZoneInfo("Europe/Berlin"))
