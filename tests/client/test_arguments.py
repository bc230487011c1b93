from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from timesheets_client.arguments import Options, add_arguments, read_options
from timesheets_client.contradictions import reject_contradictions
from timesheets_client.errors import WrongUsage
from timesheets_client.reading.inputs import Format


def parse(*words: str) -> Options:
    parser = ArgumentParser()
    add_arguments(parser)
    return read_options(vars(parser.parse_args(words)))


def test_without_arguments_the_options_have_their_defaults() -> None:
    assert parse() == Options(files=[])


def test_each_argument_sets_its_option() -> None:
    options = parse(
        *("a.csv", "--format", "csv", "--time-zone", "Europe/Berlin", "--dedupe", "off", "--batch-size", "7"),
        *("--strict", "--rejects", "r", "--retries", "1", "--timeout", "1,100", "--deadline", "9.5"),
        *("--lock-wait", "3", "--no-token-cache", "--expect-entries", "1000", "--expect-hours", "7512.25"),
        *("--correct", "--reason", " late ", "--withdraw", "17", "--map", "toggl.toml", "--sheet", "May"),
        *("--sheet", "June"),
        *("--download", "d.csv", "--since", "2026-06-01 08:00+02:00"),
    )

    assert (options.files, options.format, str(options.time_zone)) == (["a.csv"], "csv", "Europe/Berlin")
    assert (options.derives_ids, options.batch_size, options.is_strict) == (False, 7, True)
    assert (options.rejects, options.retries, options.deadline_seconds) == (Path("r"), 1, 9.5)
    assert (options.lock_wait_seconds, options.caches_token) == (3, False)
    assert (options.expected_entries, options.expected_hours) == (1_000, Decimal("7512.25"))
    assert (options.is_correction, options.reason, options.withdrawal) == (True, "late", 17)
    assert (options.map_file, options.sheets) == (Path("toggl.toml"), ["May", "June"])
    assert (options.download, options.since) == (Path("d.csv"), "2026-06-01T08:00:00+02:00")
    assert (options.timeouts.connect_seconds, options.timeouts.read_seconds) == (1, 100)
    assert options.timeouts.total_seconds == 200


@pytest.mark.parametrize(
    "words",
    [
        ["--format", "xml"],
        ["--time-zone", "Berlin"],
        ["--time-zone", "../../etc/passwd"],
        ["--batch-size", "0"],
        ["--batch-size", "10001"],
        ["--retries", "-1"],
        ["--retries", "many"],
        ["--timeout", "10"],
        ["--timeout", "0,60"],
        ["--deadline", "-1"],
        ["--deadline", "nan"],
        ["--expect-entries", "1.0"],
        ["--expect-hours", "7,5"],
        ["--expect-hours", "1e3"],
        ["--expect-hours", "nan"],
        ["--client-secret", "x"],
        ["--withdraw", "0x11"],
        ["--withdraw", "1" * 19],
        ["--withdraw", "/uploads/17"],
        ["--reason", " "],
        ["--reason", "x" * 201],
        ["--reason", "two\nlines"],
        ["--reason", "\udce9"],
        ["--since", "2026-06-31"],
        ["--since", "01/06/2026"],
        ["--since", "2026-06-01T08:00:00"],
        ["--since", "2026-06-01T08:00:00+25:00"],
        ["--since", "1899-12-31"],
        ["--since", "3000-01-01"],
    ],
)
def test_an_invalid_value_is_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words)

    assert ended.value.code == 2


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"is_check": True, "is_dry_run": True, "files": ["a"]}, id="check and dry run"),
        pytest.param({"is_dry_run": True}, id="dry run without a file"),
        pytest.param({"is_preview": True}, id="preview without a file"),
        pytest.param({"is_preview": True, "is_check": True, "files": ["a"]}, id="preview and check"),
        pytest.param({"is_preview": True, "spool": Path("d")}, id="preview of a folder"),
        pytest.param({"forgets_token": True, "files": ["a"]}, id="forget token and upload"),
        pytest.param({"map_file": Path("m")}, id="map without a file"),
        pytest.param({"sheets": ["May"], "is_check": True}, id="sheet without a file"),
        pytest.param({"sheets": ["May"], "files": ["a"], "format": Format.CSV}, id="sheet of CSV"),
        pytest.param({"spool": Path("d"), "files": ["a"]}, id="folder and file"),
        pytest.param({"spool": Path("d"), "rejects": Path("r")}, id="folder and rejects"),
        pytest.param({"spool": Path("d"), "derives_ids": False}, id="folder without ids"),
        pytest.param({"rejects": Path("r"), "files": ["a", "b"]}, id="rejects and two files"),
        pytest.param({"expected_entries": 1}, id="totals without a file"),
        pytest.param({"expected_hours": Decimal(0), "files": ["a", "b"]}, id="totals of two files"),
        pytest.param({"expected_entries": 0, "spool": Path("d")}, id="totals of a folder"),
        pytest.param({"files": ["-", "-"]}, id="standard input twice"),
        pytest.param({"files": ["a"], "reason": "x"}, id="a reason for nothing"),
        pytest.param({"files": ["a"], "is_correction": True}, id="correct without a reason"),
        pytest.param({"is_correction": True, "reason": "x"}, id="correct without a file"),
        pytest.param({"is_correction": True, "reason": "x", "spool": Path("d")}, id="correct a folder"),
        pytest.param({"withdrawal": 17}, id="withdraw without a reason"),
        pytest.param({"since": "2026-06-01"}, id="a date for nothing"),
        pytest.param({"download": Path("d.csv")}, id="download without a date"),
    ],
)
def test_options_that_exclude_each_other_are_wrong_usage(options: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        reject_contradictions(Options(**options))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"is_dry_run": True}, id="dry run"),
        pytest.param({"is_preview": True}, id="preview"),
        pytest.param({"is_strict": True}, id="strict"),
        pytest.param({"withdrawal": 17}, id="withdraw"),
    ],
)
def test_a_correction_excludes_other_modes(options: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        reject_contradictions(Options(is_correction=True, reason="late", files=["a"], **options))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"files": ["a"]}, id="file"),
        pytest.param({"spool": Path("d")}, id="folder"),
        pytest.param({"rejects": Path("r")}, id="rejects"),
        pytest.param({"is_dry_run": True}, id="dry run"),
        pytest.param({"is_preview": True}, id="preview"),
        pytest.param({"is_strict": True}, id="strict"),
        pytest.param({"forgets_token": True}, id="forget token"),
    ],
)
def test_a_withdrawal_excludes_files_and_other_modes(options: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        reject_contradictions(Options(withdrawal=17, reason="late", **options))


@pytest.mark.parametrize("options", [{"is_correction": True, "files": ["a"]}, {"withdrawal": 17}])
def test_a_correction_can_be_checked_first(options: dict[str, Any]) -> None:
    reject_contradictions(Options(is_check=True, reason="late", **options))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"files": ["a"]}, id="file"),
        pytest.param({"is_correction": True, "files": ["a"], "reason": "late"}, id="correct"),
        pytest.param({"withdrawal": 17, "reason": "late"}, id="withdraw"),
        pytest.param({"is_dry_run": True}, id="dry run"),
        pytest.param({"is_check": True}, id="check"),
        pytest.param({"forgets_token": True}, id="forget token"),
        pytest.param({"spool": Path("d")}, id="folder"),
        pytest.param({"is_strict": True}, id="strict"),
        pytest.param({"rejects": Path("r")}, id="rejects"),
        pytest.param({"derives_ids": False}, id="dedupe off"),
        pytest.param({"download": Path("d")}, id="no suffix"),
        pytest.param({"download": Path("d.csv.gz")}, id="compressed"),
        pytest.param({"format": Format.XLSX}, id="a workbook"),
        pytest.param({"format": Format.JSON}, id="one array"),
        pytest.param({"download": Path("-"), "format": Format.CSV}, id="standard output"),
    ],
)
def test_a_download_excludes_files_other_modes_and_other_formats(options: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        reject_contradictions(Options(**{"download": Path("d.csv"), "since": "2026-06-01", **options}))


def test_a_download_needs_only_a_file_and_a_date() -> None:
    reject_contradictions(Options(download=Path("d.csv"), since="2026-06-01"))
