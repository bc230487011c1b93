import json
from pathlib import Path

import pytest

from tests.client.api import Api
from tests.client.conftest import Site
from tests.client.runs import Run, read_rejects, run_client, write_csv
from tests.client.test_map_files import write
from timesheets_client.errors import ExitStatus

EXPORT = """\
Email,Day,Project,Duration
ada@example.com,2026-06-01,Web,1:00
ada@example.com,2026-06-01,Web,1:00
ada@example.com,2026-06-01,Web,90
jan@example.com,2026-06-01,Web,2:00
,,Total,5:30
"""
SUMMARY = "4 entries, 2 created, 0 already there, 2 rejected, 1 skipped in "


@pytest.fixture
def our_map(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text("email,user_id\nada@example.com,007\n")
    return write(
        tmp_path,
        user_id='column = "Email"\nlookup = "people.csv"',
        last='[[skip]]\ncolumn = "Email"\nequals = ""',
    )


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "export.csv").write_text(EXPORT)
    return tmp_path / "export.csv"


def test_skipped_rows_are_counted_and_rejected_ones_are_kept(api: Api, our_map: Path, export: Path) -> None:
    run = run_client(api.variables, export, map_file=our_map, verbosity=2)

    assert run.status == ExitStatus.REJECTED
    assert run.written[0] == f"{export}:6: skipped: Email is empty"
    assert SUMMARY in run.output
    assert [entry["user_id"] for entry in api.stored.values()] == ["007", "007"]
    wrong_duration, unknown = read_rejects(export.with_name("export.csv.rejected.ndjson"))
    assert wrong_duration["hours"] is None
    assert wrong_duration["_rejected"] == {
        "source": f"{export}:4",
        "errors": {"hours": ["'90' is not a duration such as 1:30"]},
    }
    assert unknown["user_id"] is None
    assert unknown["_rejected"]["errors"] == {"user_id": ["'jan@example.com' is not in people.csv"]}


def test_skipped_rows_are_part_of_the_json_report_of_a_mapped_file_only(
    api: Api, our_map: Path, export: Path, tmp_path: Path
) -> None:
    run = Run(is_json=True)

    run.start(api.variables, export, map_file=our_map)
    run.start(api.variables, write_csv(tmp_path / "plain.csv", "2026-06-01,1"))

    mapped, plain = (json.loads(line)["files"][0] for line in run.written)
    assert mapped["skipped"] == 1
    assert "skipped" not in plain


@pytest.mark.parametrize("with_map", [True, False])
def test_the_fixed_rejects_are_accepted_with_and_without_the_map(
    api: Api, our_map: Path, export: Path, with_map: bool
) -> None:
    Run().start(api.variables, export, map_file=our_map)
    rejects = export.with_name("export.csv.rejected.ndjson")
    fixed = (
        rejects.read_text()
        .replace('"hours": null', '"hours": 1')
        .replace('"user_id": null', '"user_id": "8"')
    )
    rejects.write_text(fixed)

    # The first of them now equals the two entries that are stored, and is still another one.
    status = Run().start(api.variables, rejects, **({"map_file": our_map} if with_map else {}))

    assert status == ExitStatus.DONE
    assert len(api.stored) == 4


def test_ids_come_from_the_entries_and_not_from_the_map(
    api: Api, our_map: Path, export: Path, tmp_path: Path
) -> None:
    Run().start(api.variables, export, map_file=our_map)
    before = dict(api.stored)
    other = tmp_path / "other.toml"
    other.write_text(
        'time_zone = "UTC"\nproject.template = "{Project}"\nhours = {column = "duration", unit = "h:mm"}\n'
        'user_id = {column = "EMAIL", rename = {"ada@example.com" = "007"}}\n'
        'date = {template = "{Day}", format = ["%d.%m.%Y", "%Y-%m-%d"]}\n'
        'skip = [{column = "Day", equals = ""}]\n'
    )
    export.write_text("\n".join(EXPORT.splitlines()[:3]) + "\n")

    assert Run().start(api.variables, export, map_file=other) == ExitStatus.DONE
    assert api.stored == before


def test_a_dry_run_maps_without_settings(our_map: Path, export: Path) -> None:
    run = run_client({"AUTH0_DOMAIN": "incomplete"}, export, map_file=our_map, is_dry_run=True)

    assert run.status == ExitStatus.REJECTED
    assert run.written[0] == f"{export}: 4 entries, 2 rejected, 1 skipped; nothing was sent (--dry-run)"


def test_a_check_maps_and_stores_nothing(api: Api, our_map: Path, export: Path) -> None:
    run = run_client(api.variables, export, map_file=our_map, is_check=True)

    assert (run.status, api.stored) == (ExitStatus.REJECTED, {})
    assert run.written[-1].endswith(" 2 rejected, 1 skipped; nothing was stored (--check)")


@pytest.mark.parametrize("options", [{}, {"is_dry_run": True}, {"is_check": True}])
def test_a_wrong_map_ends_the_run_before_anything_is_read(
    site: Site, api: Api, tmp_path: Path, export: Path, options: dict[str, bool]
) -> None:
    run = run_client(site.variables, export, map_file=write(tmp_path, date='column = "Day"'), **options)

    assert (run.status, site.received, run.written) == (ExitStatus.CONFIGURATION, [], [])
    assert run.warned == [
        f"{tmp_path}/our.toml: date: format is missing; it says what the dates look like, such as %d/%m/%Y"
    ]
