"""--expect-entries and --expect-hours."""

import gzip
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.client.api import Api
from tests.client.conftest import Site
from tests.client.runs import HEADER, Run, run_client, write_csv, write_days
from tests.kit.processes import run_python
from timesheets_client.errors import ExitStatus

ROWS = [("2026-01-01", "7.5"), ("2026-01-02", "0"), ("2026-01-03", "0.25")]


def write_csv_rows() -> bytes:
    return (HEADER + "".join(f"007,{day},X,{hours}\n" for day, hours in ROWS)).encode()


def write_workbook() -> bytes:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    for row in (HEADER.strip().split(","), *(["007", day, "X", float(hours)] for day, hours in ROWS)):
        sheet.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


@pytest.fixture(
    params=[
        pytest.param(("a.csv", write_csv_rows), id="CSV"),
        pytest.param(("a.csv.gz", lambda: gzip.compress(write_csv_rows())), id="gzip"),
        pytest.param(("a.xlsx", write_workbook), id="workbook"),
    ]
)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file with the rows, in each format."""
    name, write = request.param
    path = tmp_path / str(name)
    path.write_bytes(write())
    return path


@pytest.mark.parametrize("is_strict", [False, True], ids=["batches", "strict"])
@pytest.mark.parametrize("is_named", [True, False], ids=["file", "standard input"])
def test_a_file_with_the_expected_totals_is_uploaded(
    api: Api, file: Path, is_strict: bool, is_named: bool
) -> None:
    totals: dict[str, Any] = {"expected_entries": 3, "expected_hours": Decimal("7.750")}
    source = file if is_named else "-"
    run = run_client(api.variables, source, stdin=file.read_bytes(), is_strict=is_strict, **totals)

    # The API refuses 0 hours.
    [batch] = api.batches
    assert run.status == ExitStatus.REJECTED
    assert [entry["date"] for entry in batch] == [day for day, _ in ROWS]


@pytest.mark.parametrize("options", [{}, {"is_strict": True}, {"is_dry_run": True}])
@pytest.mark.parametrize("is_named", [True, False], ids=["file", "standard input"])
def test_nothing_is_sent_of_a_file_with_other_totals(
    site: Site, file: Path, is_named: bool, options: dict[str, bool]
) -> None:
    totals: dict[str, Any] = {"expected_entries": 4, "expected_hours": Decimal(15)}
    source = file if is_named else "-"
    run = run_client(site.variables, source, stdin=file.read_bytes(), **totals, **options)

    assert run.status == ExitStatus.REJECTED
    assert (site.received, run.written) == ([], [])
    [problem] = run.warned
    assert problem == (
        f"{file if is_named else 'standard input'}: nothing of it was sent, because its totals differ: "
        "entries: expected 4, found 3; hours: expected 15, found 7.75; "
        "ask for the complete file, or correct --expect-entries and --expect-hours"
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"expected_entries": 0}, "differ: entries: expected 0, found 3; ask", id="entries"),
        pytest.param(
            {"expected_entries": 3, "expected_hours": Decimal(0)},
            "hours: expected 0, found 7.75;",
            id="hours",
        ),
    ],
)
def test_one_wrong_total_is_enough(
    site: Site, tmp_path: Path, options: dict[str, int | Decimal], problem: str
) -> None:
    (tmp_path / "a.csv").write_bytes(write_csv_rows())
    run = run_client(site.variables, tmp_path / "a.csv", **options)

    assert (run.status, site.received) == (ExitStatus.REJECTED, [])
    assert problem in run.warned[0]


def test_rejected_rows_count_with_the_hours_that_can_be_read(api: Api, tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "a.csv",
        "2026-01-01,1",
        "03/04/2026,2",
        "2026-01-03,7:30",
        "2026-01-04,26",
        "2026-01-05,5,X",
    )
    run = run_client(api.variables, file, expected_entries=5, expected_hours=Decimal(30))
    correct = Run().start(api.variables, file, expected_entries=5, expected_hours=Decimal(29))

    assert (run.status, correct) == (ExitStatus.REJECTED, ExitStatus.REJECTED)
    assert "hours: expected 30, found 29 without 2 that cannot be read;" in run.warned[0]
    assert len(api.stored) == 1


ABSURD = '1e999999999 1e-999999999 1e9999999999999999999 true null "7,5" []'


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        pytest.param(["0.1"] * 30, "3", id="tenths"),
        pytest.param(['"0.1"', "0.2"], "0.3", id="text"),
        pytest.param(["1e30", "0.01"], f"1{'0' * 30}.01", id="more digits than a Decimal has by default"),
        pytest.param(["7." + "0" * 5_000, "0.5"], "7.5", id="5,000 zeros"),
        pytest.param(["-1.5", "24"], "22.5", id="negative"),
        *(
            pytest.param(["1", absurd, "2"], "3 without 1 that cannot be read", id=absurd[:20])
            for absurd in ABSURD.split()
        ),
        pytest.param(["9" * 50 + "." + "9" * 50] * 10, "9" * 51 + "." + "9" * 49, id="100 digits"),
        pytest.param(["1", "0." + "3" * 60, "2"], "3 without 1 that cannot be read", id="60 places"),
    ],
)
def test_hours_are_added_without_rounding(site: Site, tmp_path: Path, hours: list[str], found: str) -> None:
    (tmp_path / "a.ndjson").write_text("".join(f'{{"hours": {each}}}\n' for each in hours))
    run = run_client(site.variables, tmp_path / "a.ndjson", expected_hours=Decimal("1.11"))

    assert f"hours: expected 1.11, found {found};" in run.warned[0]


@pytest.mark.parametrize("expected", [3, 4])
def test_a_check_compares_the_totals_before_it_sends_the_file(
    api: Api, tmp_path: Path, expected: int
) -> None:
    file = write_days(tmp_path / "a.csv", 3)
    run = run_client(api.variables, file, is_check=True, expected_entries=expected)

    assert run.status == (ExitStatus.DONE if expected == 3 else ExitStatus.REJECTED)
    assert [len(batch) for batch in api.batches] == ([0, 3] if expected == 3 else [0])
    assert api.stored == {}


def test_nothing_is_sent_of_a_file_that_is_unreadable_at_its_end(
    site: Site, api: Api, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text('[{"user_id": "007", "hours": 1}, {"user')

    status = Run().start(site.variables, tmp_path / "a.json", batch_size=1, expected_entries=1)

    assert status == ExitStatus.UNREADABLE
    assert site.received == []


def test_a_warning_is_shown_once(api: Api, tmp_path: Path) -> None:
    file = write_days(tmp_path / "a.csv", 2)
    file.write_text(file.read_text().rstrip())
    run = run_client(api.variables, file, expected_entries=2)

    assert (run.status, len(run.warned)) == (ExitStatus.DONE, 1)


READ = """
import sys
from pathlib import Path
from tests.client.memory import read_peak
from timesheets_client.arguments import Options
from timesheets_client.files.entries import check_totals
from timesheets_client.reading.inputs import Input
options = Options(expected_entries=int(sys.argv[2]))
for path in (Path(sys.argv[1]), None):
    with (
        open(sys.argv[1], "rb") as file,
        check_totals(Input(name="a.csv", file=file, path=path), options) as source,
    ):
        assert sum(1 for _ in source.file) == options.expected_entries + 1
print(read_peak())
"""


def test_the_totals_of_many_entries_take_no_more_memory_than_those_of_a_few(tmp_path: Path) -> None:
    peaks = []
    for count in (1_000, 50_000):
        (tmp_path / "a.csv").write_text(HEADER + "007,2026-06-03,X,1\n" * count)
        peaks.append(int(run_python("-c", READ, tmp_path / "a.csv", str(count)).stdout))

    assert peaks[1] - peaks[0] < 1_000_000
