"""Run the client in this process, and collect its output."""

import io
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from timesheets_client.arguments import Options
from timesheets_client.context import Environment
from timesheets_client.errors import ExitStatus
from timesheets_client.network.exchange import Timeouts
from timesheets_client.network.retries import Clock
from timesheets_client.output.report import Report
from timesheets_client.run import run_upload
from timesheets_client.signals import Signals

# Starts faster than manage.py.
PROGRAM = [sys.executable, "-m", "timesheets_client"]
# What needs no file.
TASKS = {
    *("spool", "download", "withdrawal", "lists_uploads", "missing_week", "is_check", "forgets_token"),
    *("shown_map", "uploads_example"),
}
HEADER = "user_id,date,project,hours\n"


@dataclass
class Run:
    """A run that records its sleeps instead of sleeping. By default it caches no token."""

    verbosity: int = 1
    with_traceback: bool = False
    is_json: bool = False
    make_key: Callable[[], str] = lambda: "key-1"
    stdin: bytes = b""
    signals: Signals = field(default_factory=Signals)
    written: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    # Called during each sleep.
    during_sleep: Callable[[], object] = lambda: None
    wall_clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    # Of the last start.
    status: ExitStatus | None = None

    @property
    def output(self) -> str:
        return "\n".join([*self.written, *self.warned])

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.during_sleep()

    def start(self, variables: Mapping[str, str], *files: Path | str, **options: Any) -> ExitStatus:
        report = Report(
            write=self.written.append,
            warn=self.warned.append,
            verbosity=self.verbosity,
            with_traceback=self.with_traceback,
            is_json=self.is_json,
        )
        environment = Environment(
            variables=variables,
            development={},
            stdin=io.BufferedReader(io.BytesIO(self.stdin)),
            signals=self.signals,
            clock=Clock(
                monotonic=self.monotonic,
                sleep=self.sleep,
                random=lambda: 1.0,
                wall_clock=self.wall_clock,
            ),
            make_key=self.make_key,
        )
        defaults = {"timeouts": Timeouts(read_seconds=20), "caches_token": False}
        if not files and not TASKS & options.keys():
            defaults["uploads_example"] = True
        chosen = Options(files=[str(file) for file in files], **{**defaults, **options})
        self.status = run_upload(chosen, environment, report)
        return self.status


def run_client(variables: Mapping[str, str], *files: Path | str, **options: Any) -> Run:
    """A run that has ended. The options are those of the command, and the fields of Run."""
    own = {each.name for each in fields(Run)} & options.keys()
    run = Run(**{name: options.pop(name) for name in own})
    run.start(variables, *files, **options)
    return run


def list_files(folder: Path) -> list[str]:
    """All that is below the folder and is no folder, links too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def read_rejects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_csv(path: Path, *rows: str) -> Path:
    """A file with these rows, each `day,hours` of employee 007."""
    lines = [f"007,{day},StoreZero,{hours}\n" for day, _, hours in (row.partition(",") for row in rows)]
    path.write_text(HEADER + "".join(lines))
    return path


def write_days(path: Path, count: int) -> Path:
    """A file with `count` different entries."""
    return write_csv(
        path, *(f"2026-01-{1 + number % 31:02},{1 + number // 31 / 100}" for number in range(count))
    )
