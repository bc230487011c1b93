import gzip
import io
import os
import subprocess
from pathlib import Path

import pytest

from tests.client.reading import describe, read
from tests.client.workbook_files import pack
from tests.kit.processes import run_python
from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.inputs import Format, find_format, open_input

CSV = b"user_id,date,project,hours\n007,2026-06-03,X,1\n"
LINE = b'{"user_id": "007"}\n'


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        pytest.param("A.JSON", b"x", Format.JSON, id="in any case"),
        pytest.param("a.ndjson.gz", b"x", Format.NDJSON, id="before gz"),
        pytest.param("-", b" [", Format.JSON, id="array"),
        pytest.param("-", LINE, Format.NDJSON, id="object on a line"),
        pytest.param("-", b'\xef\xbb\xbf{\n"user_id"', Format.JSON, id="object on several lines"),
        pytest.param("export", b"PK\x03\x04", Format.XLSX, id="archive"),
        pytest.param("export.txt", CSV, Format.CSV, id="anything else"),
    ],
)
def test_the_format_is_detected_by_name_or_by_the_first_bytes(
    name: str, head: bytes, expected: Format
) -> None:
    assert find_format(name, Format.AUTO, head) is expected


def test_a_chosen_format_wins() -> None:
    assert find_format("a.csv", Format.NDJSON, LINE) is Format.NDJSON


@pytest.mark.parametrize("name", ["week23.csv.gz", "week23"])
def test_a_compressed_file_is_read(name: str) -> None:
    assert describe(read(gzip.compress(CSV), name)) == [f"{name}:2"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param("user_id,date".encode("utf-16-le"), "is in UTF-16; save", id="UTF-16 without a mark"),
        pytest.param(b"PK\x03\x04", "is an Excel workbook or a zip archive", id="workbook"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1", "Excel's old format", id="old workbook"),
        pytest.param(gzip.compress(CSV * 99)[:-12], "is damaged or was cut", id="cut"),
        pytest.param(gzip.compress(b""), "is empty", id="empty but compressed"),
    ],
)
def test_an_unreadable_input_is_explained(content: bytes, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=f"^week23.csv: .*{problem}"):
        read(content)


def test_an_opendocument_file_is_named() -> None:
    with pytest.raises(InputUnreadable, match=r"^w.ods: is an OpenDocument file, such as .ods"):
        read(pack({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "w.ods")


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"nope\.csv: cannot be read: No such file or directory"):
        open_input(str(tmp_path / "nope.csv"), io.BytesIO())


def test_a_folder_needs_another_option(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="is a folder; --spool"):
        open_input(str(tmp_path), io.BytesIO())


def test_a_pipe_has_no_path(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["sh", "-c", f"echo x > {tmp_path / 'pipe'}"]):
        source = open_input(str(tmp_path / "pipe"), io.BytesIO())

    assert source.path is None
    source.file.close()


READ = """
import sys
from pathlib import Path
from tests.client.memory import read_peak
from timesheets_client.reading.inputs import Format, open_input, read_entries
from timesheets_client.reading.maps.files import load_map
from timesheets_client.reading.table_files import TableOptions
entry_map = load_map(Path(sys.argv[2]), None) if sys.argv[2:] else None
source = open_input(sys.argv[1], sys.stdin.buffer)
print(sum(1 for _ in read_entries(source, Format.AUTO, TableOptions(entry_map=entry_map))), read_peak())
"""


@pytest.mark.parametrize("suffix", ["csv", "json", "ndjson"])
def test_many_entries_take_no_more_memory_than_a_few(tmp_path: Path, suffix: str) -> None:
    few, many = (measure_peak(write(tmp_path / f"{count}.{suffix}", count)) for count in (1_000, 50_000))

    assert many - few < 1_000_000


def test_many_different_rows_of_an_export_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    few, many = (
        measure_peak(write_export(tmp_path / f"{count}.csv", count), "timesheets_client/maps/toggl.toml")
        for count in (10_000, 50_000)
    )

    assert many - few < 1_000_000


def write_export(path: Path, count: int) -> Path:
    """Rows that all differ in their date and duration."""
    with path.open("w") as file:
        file.write("Email,Project,Start date,Start time,End date,Duration\n")
        for number in range(count):
            day, time = (
                f"{1900 + number % 5000}-01-01",
                f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}",
            )
            file.write(f"ada@example.com,{time},{day},{time},-,1{time}\n")
    return path


def write(path: Path, count: int) -> Path:
    if path.suffix == ".csv":
        path.write_bytes(CSV + b"007,2026-06-03,X,1\n" * (count - 1))
        return path
    begin, between, end = (b"[", b",", b"]") if path.suffix == ".json" else (b"", b"", b"")
    path.write_bytes(begin + between.join([LINE] * count) + end)
    return path


def measure_peak(path: Path, *map_file: str) -> int:
    result = run_python("-c", READ, path, *map_file)
    count, peak = map(int, result.stdout.split())
    assert str(count) == path.stem
    return peak
