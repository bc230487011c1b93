"""What does a mapping file cost? `python -m benchmarks.maps`

Reads a million rows of an export in the layout of Toggl Track's, 14 columns wide, with docs/maps/toggl.toml.
The rival is a CSV file of the same entries with the client's own columns. Each file has a process of its own
(Linux only).
"""

import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.kit.processes import REPOSITORY, make_environment

MILLION, THOUSAND = 1_000_000, 1_000
ROUNDS = 3
MAP = "docs/maps/toggl.toml"
BEGIN = datetime(2017, 5, 10, 8, tzinfo=UTC)
PLAIN_HEADER = "user_id,date,project,hours\n"
EXPORT_HEADER = (
    "User,Email,Client,Project,Task,Description,Billable,"
    "Start date,Start time,End date,End time,Duration,Tags,Amount ()\n"
)
READ = """
import sys, time
from pathlib import Path
from tests.client.memory import read_peak
from timesheets_client.reading.inputs import Format, open_input, read_entries
from timesheets_client.reading.maps.files import load_map
entry_map = load_map(Path(sys.argv[2]), None) if sys.argv[2:] else None
begin = time.process_time()
for _ in read_entries(open_input(sys.argv[1], sys.stdin.buffer), Format.AUTO, None, entry_map):
    pass
print(time.process_time() - begin, read_peak())
"""


def write_plain(path: Path, count: int) -> Path:
    with path.open("w") as file:
        file.write(PLAIN_HEADER)
        for number in range(count):
            begin, taken = make_period(number)
            hours = taken / timedelta(hours=1)
            file.write(f"{number % 500:03},{begin:%Y-%m-%dT%H:%M:%SZ},StoreZero,{hours}\n")
    return path


def write_export(path: Path, count: int) -> Path:
    with path.open("w") as file:
        file.write(EXPORT_HEADER)
        for number in range(count):
            begin, taken = make_period(number)
            file.write(
                f"Ada Byron,{number % 500:03}@example.com,,StoreZero,,what was done,No,"
                f"{begin:%Y-%m-%d,%H:%M:%S},{begin + taken:%Y-%m-%d,%H:%M:%S},{taken!s:0>8},,\n"
            )
    return path


def make_period(number: int) -> tuple[datetime, timedelta]:
    return BEGIN + timedelta(minutes=number), timedelta(minutes=15 * (1 + number % 32))


def read(path: Path, *map_file: str) -> tuple[float, float]:
    """Read a file in a new process. Returns its seconds of processor time and its peak memory in MiB."""
    result = subprocess.run(
        [sys.executable, "-c", READ, path, *map_file],
        env=make_environment(),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, peak = map(float, result.stdout.split())
    return seconds, peak / 2**20


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        plain = write_plain(Path(name) / "plain.csv", MILLION)
        export = write_export(Path(name) / "export.csv", MILLION)
        few = write_export(Path(name) / "few.csv", THOUSAND)
        # In turns, so that a noisy machine disturbs both alike.
        turns = [(read(plain), read(export, MAP)) for _ in range(ROUNDS)]
        _, peak_of_few = read(few, MAP)
    plain_seconds, mapped_seconds = (
        statistics.median(each[0] for each in way) for way in zip(*turns, strict=True)
    )
    print(f"plain   {MILLION / plain_seconds:>9,.0f} entries per second, {turns[0][0][1]:.0f} MiB")
    print(f"mapped  {MILLION / mapped_seconds:>9,.0f} entries per second, {turns[0][1][1]:.0f} MiB")
    print(f"the map keeps {plain_seconds / mapped_seconds:.2f} of the pace")
    print(f"a thousand mapped entries take {peak_of_few:.0f} MiB")


if __name__ == "__main__":
    main()
