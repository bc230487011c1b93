from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path

import pytest

from timesheets_client.arguments import Options, add_arguments, read_options
from timesheets_client.program import build_parser
from timesheets_client.run import find_contradictions


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
        *("--download", "d.csv", "--since", "2026-06-01 08:00+02:00", "--missing", "2026-W53"),
    )

    assert (options.files, options.format, str(options.time_zone)) == (["a.csv"], "csv", "Europe/Berlin")
    assert (options.derives_ids, options.batch_size, options.is_strict) == (False, 7, True)
    assert (options.rejects, options.retries, options.deadline_seconds) == (Path("r"), 1, 9.5)
    assert (options.lock_wait_seconds, options.caches_token) == (3, False)
    assert (options.expected_entries, options.expected_hours) == (1_000, Decimal("7512.25"))
    assert (options.is_correction, options.reason, options.withdrawal) == (True, "late", 17)
    assert (options.map_file, options.sheets) == (Path("toggl.toml"), ["May", "June"])
    assert (options.download, options.since) == (Path("d.csv"), "2026-06-01T08:00:00+02:00")
    assert options.missing_week == "2026-W53"
    assert options.timeouts == (1, 100)


def test_the_help_fits_80_columns_and_each_group_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    groups = build_parser().format_help().split("\n\n")

    assert max(len(line) for group in groups for line in group.splitlines()) <= 80
    assert max(len(group.splitlines()) for group in groups) <= 24


def test_an_error_shows_one_line_of_usage_and_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--client-secret\x1b[31m\n.csv", "x"])

    usage, error = capsys.readouterr().err.splitlines()
    assert usage == "usage: upload-timesheets [options] [FILE ...]"
    assert r"unrecognized arguments: --client-secret\x1b[31m\n.csv" in error


WRONG = """
--format=xml --time-zone=Berlin --time-zone=../../etc/passwd --batch-size=0 --batch-size=10001 --retries=-1
--retries=many --timeout=10 --timeout=0,60 --deadline=-1 --deadline=nan --expect-entries=1.0
--expect-hours=7,5 --expect-hours=1e3 --expect-hours=nan --client-secret=x --withdraw=0x11
--withdraw=/uploads/17 --since=2026-06-31 --since=01/06/2026 --since=1899-12-31 --since=2026-06-01T08:00:00
--since=2026-06-01T08:00:00+25:00 --since=3000-01-01
"""
ODD_TEXTS = (" ", "x" * 201, "two\nlines", "\udce9")


@pytest.mark.parametrize(
    "word", [*WRONG.split(), f"--withdraw={'1' * 19}", *(f"--reason={text}" for text in ODD_TEXTS)]
)
def test_an_invalid_value_is_wrong_usage(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(word)

    assert ended.value.code == 2


DOWNLOAD = "--download d.csv --since 2026-06-01"
DAYS = "--replace 2026-06-01..2026-06-30"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("a --check --dry-run", "--dry-run and --check: choose one of them"),
        ("--missing 2026-W23 --uploads", "--uploads and --missing: choose one of them"),
        ("--check --example", "--check and --example: choose one of them"),
        ("a --correct --withdraw 17 --reason x --check", "--check and --correct and --withdraw: choose one"),
        *(
            (f"a {mode} --reason x {other}", f"{other.split()[0]} and {mode.split()[0]}: choose one of them")
            for mode in ("--correct", "--withdraw 17", DAYS)
            for other in ("--dry-run", "--preview", "--forget-token", "--spool d", DOWNLOAD)
        ),
        *(
            (f"{DOWNLOAD} {other}", f"--download: cannot be used with {other.split()[0]}")
            for other in ("FILE", "--strict", "--rejects r", "--dedupe off")
        ),
        ("a --forget-token", "--forget-token: cannot be used with FILE"),
        ("a --spool d --rejects r", "--spool: cannot be used with FILE or --rejects"),
        ("a --missing 2026-W23", "--missing: cannot be used with FILE"),
        ("--withdraw 0 --reason x --check a", "--withdraw: cannot be used with FILE"),
        ("a --correct --reason x --strict", "--correct: cannot be used with --strict"),
        ("--dry-run", "--dry-run: needs FILE"),
        ("--map m.toml", "--map: needs FILE or --spool or --check"),
        ("--sheet May --check", "--sheet: needs FILE or --spool"),
        ("--spool d --expect-entries 0", "--expect-entries: needs FILE"),
        ("a b --expect-hours 0", "--expect-hours: takes only one FILE"),
        ("a b --rejects r", "--rejects: takes only one FILE"),
        ("- -", "-: standard input can be read only once"),
        (f"a b {DAYS} --reason x", "--replace: takes only one FILE"),
        ("a --reason x", "--reason: needs --correct or --withdraw or --replace"),
        ("a --correct", "--correct: needs --reason"),
        (f"{DAYS} --reason x", "--replace: needs FILE"),
        ("a --max-loss 5", "--max-loss: needs --replace"),
        ("--since 2026-06-01", "--since: needs --download"),
        ("--download d.csv", "--download: needs --since"),
        ("--download d.csv.gz --since 2026-06-01", "--download: name a file that ends in .csv or .ndjson"),
        (f"{DOWNLOAD} --format json", "--download: name a file that ends in .csv"),
    ],
)
def test_options_that_exclude_each_other_are_wrong_usage(words: str, problem: str) -> None:
    assert next(find_contradictions(parse(*words.split())), "").startswith(problem)


@pytest.mark.parametrize(
    "words",
    [
        *("a --correct --reason late --check", "--withdraw 17 --reason late --check"),
        f"a {DAYS} --reason late --check",
        "--download d.csv --since 2026-06-01 --batch-size 10 --deadline 60",
        *("--spool d --map m.toml --strict --sheet May", "a b --dedupe off --check"),
        *("--check --map m.toml", "--missing 2026-W23 --deadline 60"),
    ],
)
def test_other_options_can_be_combined(words: str) -> None:
    assert list(find_contradictions(parse(*words.split()))) == []
