"""The command with output that cannot be written, and with names that are unsafe to print."""

import fcntl
import json
import os
import struct
import subprocess
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from tests.client.api import Api
from tests.client.conftest import Reply, Site
from tests.client.runs import PROGRAM, Run, run_client, write_csv, write_days
from tests.client.test_command import COMMAND, CRON, ROOT
from tests.kit.waiting import wait_until
from timesheets_client.errors import ExitStatus
from timesheets_files.printable import escape

# They color the text of a terminal, set its title, and return to the start of the line.
CONTROLS = "\x1b[31m\x1b]0;title\x07\r\x9b2J\x7f\u202e"
LATIN_1 = os.fsdecode(b"Stundenbl\xe4tter.csv")


def is_safe(output: str) -> bool:
    """Whether it has no control character, and no line that a file or a server made up."""
    return output.replace("\n", "").isprintable() and "\nforged" not in f"\n{output}"


def start(
    command: str, *words: str | Path, program: Sequence[str] = PROGRAM, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a shell command in which "$@" is the client."""
    arguments = [*program, *(os.fspath(word) for word in words)]
    return subprocess.run(
        ["sh", "-c", command, "sh", *arguments],
        cwd=ROOT,
        env=CRON | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "program"),
    [
        pytest.param('"$@" >/dev/full', PROGRAM, id="standard output on a full disk"),
        pytest.param('"$@" --json >/dev/full', PROGRAM, id="JSON on a full disk"),
        pytest.param('"$@" 2>/dev/full', PROGRAM, id="standard error on a full disk"),
        pytest.param('"$@" >/dev/full 2>/dev/full', PROGRAM, id="both on a full disk"),
        pytest.param('"$@" >&-', PROGRAM, id="standard output closed"),
        pytest.param('"$@" 2>&-', PROGRAM, id="standard error closed"),
        pytest.param('"$@" <&- >&- 2>&-', COMMAND, id="all closed"),
        pytest.param('mkfifo "$FIFO"; sleep 0 <"$FIFO" & exec "$@" >"$FIFO"', PROGRAM, id="reader is gone"),
    ],
)
def test_streams_that_cannot_be_written_do_not_change_the_status(
    api: Api, tmp_path: Path, command: str, program: Sequence[str]
) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-01,26")

    ended = start(command, file, program=program, **api.variables, FIFO=str(tmp_path / "fifo"))

    assert ended.returncode == ExitStatus.REJECTED
    assert len(api.stored) == 1
    is_told = command.endswith(" >/dev/full")
    assert ended.stderr.count(b"standard output cannot be written") == is_told
    assert b"Traceback" not in ended.stderr


def test_the_second_signal_ends_a_run_whose_output_nobody_reads(api: Api, tmp_path: Path) -> None:
    # More lines than fit into a pipe.
    file = write_days(tmp_path / "a.csv", 2_500)
    Run().start(api.variables, file)
    command = [*PROGRAM, "-v", "2", str(file)]

    with subprocess.Popen(command, cwd=ROOT, env=CRON | api.variables, stdout=subprocess.PIPE) as process:
        wait_until(lambda: count_waiting(process.stdout) > 60_000)
        process.terminate()
        # The first signal waits for the end of the batch.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        status = process.wait(10)

    assert status == ExitStatus.TERMINATED


def count_waiting(pipe: IO[bytes] | None) -> int:
    """The bytes that nobody has read yet."""
    assert pipe
    [count] = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def test_an_encoding_that_lacks_a_character_does_not_change_the_status(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "Zürich.csv", "2026-01-01,1")

    ended = start('"$@"', file, **api.variables, PYTHONIOENCODING="ascii")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert rb"Z\xfcrich.csv: 1 entry, 1 created" in ended.stdout
    assert len(api.stored) == 1


def test_control_characters_in_a_file_name_are_not_printed(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / f"{CONTROLS}\nforged.csv", "2026-01-01,1", "2026-01-01,26", "x,1")
    run = run_client(api.variables, file)

    assert run.status == ExitStatus.REJECTED
    assert is_safe(run.output)
    assert rf"{tmp_path}/\x1b[31m\x1b]0;title\x07\r\x9b2J\x7f\u202e\nforged.csv:3: hours: " in run.output


@pytest.mark.parametrize("action", ["is_check", "is_dry_run", "is_preview"])
def test_checks_before_an_upload_print_no_control_characters(api: Api, tmp_path: Path, action: str) -> None:
    for content in (None, "nothing of ours"):
        file = write_csv(tmp_path / f"{CONTROLS}\nforged.csv", "2026-01-01,26", "x,1")
        file.write_text(content or file.read_text())
        run = Run()

        run.start(api.variables, file, **{action: True})

        assert is_safe(run.output)


@pytest.mark.parametrize(
    ("name", "shown"), [(f"{CONTROLS}.csv", f"{CONTROLS}.csv"), (LATIN_1, r"Stundenbl\xe4tter.csv")]
)
def test_json_output_contains_the_file_name_as_it_is_in_utf_8(
    api: Api, tmp_path: Path, name: str, shown: str
) -> None:
    run = run_client(api.variables, write_csv(tmp_path / name, "2026-01-01,26"), is_json=True)

    [line] = run.written
    [outcome] = json.loads(line)["files"]
    assert line.isascii()
    assert line.isprintable()
    assert (outcome["file"], outcome["rejects"]) == (
        f"{tmp_path}/{shown}",
        f"{tmp_path}/{shown}.rejected.ndjson",
    )


@pytest.mark.parametrize("status", [200, 401, 403, 422, 503])
def test_control_characters_from_a_server_are_not_printed(site: Site, tmp_path: Path, status: int) -> None:
    members = dict.fromkeys(("code", "detail", "message", "title"), f"{CONTROLS}\nforged")
    errors = {f"{CONTROLS}\nforged": [f"{CONTROLS}\nforged"]}
    items = [{"index": 0, "status": 422, "errors": errors}]
    body = members | {"received": 1, "created": 0, "existing": 0, "rejected": 1, "entries": items}
    site.replies["/timesheets/upload"] = Reply(status=status, body=body | {"errors": errors})
    for files in ([], [write_csv(tmp_path / "a.csv", "2026-01-01,1")]):
        run = Run(verbosity=3)

        run.start(site.variables, *files, retries=0)

        assert run.output
        assert is_safe(run.output)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", f"user_id,date,project,hours,{CONTROLS}\n", id="column"),
        pytest.param("a.json", json.dumps([{CONTROLS: 1}, [CONTROLS]], ensure_ascii=False), id="key"),
        pytest.param("a.ndjson", json.dumps({"date": f"{CONTROLS}\nforged"}), id="value"),
        pytest.param("a.ndjson", f"{CONTROLS}\n", id="line"),
        pytest.param("a.json", f"[{CONTROLS}", id="broken"),
        pytest.param("a.ndjson", '{"_rejected": {"text": "\\u001b[31m"}}', id="rejected before"),
    ],
)
def test_control_characters_in_a_file_are_not_printed(
    site: Site, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    run = run_client(site.variables, tmp_path / name, verbosity=3)

    assert run.status != ExitStatus.BUG
    assert is_safe(run.output)


def test_printable_text_is_not_escaped() -> None:
    assert escape("Zürich 東京 week23.csv") == "Zürich 東京 week23.csv"
