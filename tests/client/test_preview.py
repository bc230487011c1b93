import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.client.api import Api
from tests.client.conftest import Site
from tests.client.runs import HEADER, Run, run_client, write_csv
from tests.client.test_map_files import write
from timesheets_client.errors import ExitStatus
from timesheets_client.files.preview import Groups
from timesheets_files.dates import DateFormat

# An hour and a half before midnight in UTC; in Berlin, the 4th of June has begun.
NOW = datetime(2026, 6, 3, 22, 30, tzinfo=UTC).timestamp()
WEEK = """\
user_id,date,project,hours
007,2026-06-01,StoreZero,7.5
007,2026-06-01,StoreZero,7.50
007,2026-06-01,Web,9.1
008,2026-06-07T23:30:00-05:00,Web,0.1
008,2026-06-08,Web,0.2
008,03/04/2026,Web,1
"""
SHOWN = """\
week23.csv: the first entries, as they will be sent:
      user_id  date                       project    hours  entry_id
  :2  007      2026-06-01                 StoreZero    7.5  20260601-984b05b3506339c7...
  :3  007      2026-06-01                 StoreZero   7.50  20260601-a0ed023a6821d54b...
  :4  007      2026-06-01                 Web          9.1  20260601-5fadcf2461e04bbd...
  :5  008      2026-06-07T23:30:00-05:00  Web          0.1  20260608-953ef8ad1f08955c...
  :6  008      2026-06-08                 Web          0.2  20260608-422f8cb7873f5430...
week23.csv: 6 entries, 1 rejected; nothing was sent (--preview)

to be sent: 5 entries with 24.4 hours, from 2026-06-01 to 2026-06-08
  a time counts here on the day that it shows, and in the API on its day in the API's zone

by person:
  user_id  entries  hours
  007            3   24.1
  008            2    0.3

by project:
  project    entries  hours
  StoreZero        2     15
  Web              3    9.4

by month:
  month    entries  hours
  2026-06        5   24.4

by ISO week:
  week      entries  hours
  2026-W23        4   24.2
  2026-W24        1    0.2

by person, project and week:
  user_id  project    week      entries  hours
  007      StoreZero  2026-W23        2     15
  007      Web        2026-W23        1    9.1
  008      Web        2026-W23        1    0.1
  008      Web        2026-W24        1    0.2

warning: more than 24 hours of a person on a day:
  user_id  date        entries  hours
  007      2026-06-01        3   24.1

warning: in the future, after 2026-06-03 in UTC:
  user_id  date        entries  hours         first
  008      2026-06-07        1    0.1  week23.csv:5
  008      2026-06-08        1    0.2  week23.csv:6

warning: equal to an earlier row (those with one entry_id are stored once):
  user_id  date        project    entries  hours         first
  007      2026-06-01  StoreZero        1    7.5  week23.csv:3

"""


@pytest.fixture
def week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("week23.csv").write_text(WEEK)
    return Path("week23.csv")


preview = partial(run_client, {}, is_preview=True, wall_clock=lambda: NOW)


def preview_json(*files: Path | str, **options: Any) -> dict[str, Any]:
    [written] = preview(*files, is_json=True, **options).written
    shown: dict[str, Any] = json.loads(written)
    return shown


def list_rows(shown: dict[str, Any], section: str) -> list[list[Any]]:
    return [list(row.values()) for row in shown["preview"][section]["rows"]]


def test_a_preview_needs_no_settings_and_writes_no_file(week: Path) -> None:
    run = run_client({"AUTH0_DOMAIN": "incomplete"}, week, is_preview=True, wall_clock=lambda: NOW)

    assert run.status == ExitStatus.REJECTED
    assert "\n".join(run.written[:-1]) + "\n" == SHOWN
    assert run.written[-1].startswith("--preview: checked the file and")
    assert run.warned[0].startswith("week23.csv:7: date: this is not a date")
    assert [path.name for path in Path().iterdir()] == ["week23.csv"]


def test_json_has_the_same_content(week: Path) -> None:
    shown = preview_json(week)

    [file] = shown["files"]
    totals = shown["preview"]
    assert file["first_entries"][1]["source"] == "week23.csv:3"
    assert (file["entries"], file["rejected"], shown["exit"]) == (6, 1, 65)
    assert (totals["entries"], totals["hours"], totals["unreadable_hours"]) == (5, "24.4", 0)
    assert (totals["today"], totals["time_zone"]) == ("2026-06-03", "UTC")
    assert totals["by_person"]["rows"][0] == {"user_id": "007", "entries": 3, "hours": "24.1"}
    assert list_rows(shown, "future")[0] == ["008", "2026-06-07", 1, "0.1", "week23.csv:5"]


@pytest.mark.parametrize("derives_ids", [True, False])
def test_the_first_entries_are_those_that_an_upload_sends(api: Api, week: Path, derives_ids: bool) -> None:
    shown = preview_json(week, derives_ids=derives_ids)
    Run().start(api.variables, week, derives_ids=derives_ids)

    assert [first["entry"] for first in shown["files"][0]["first_entries"]] == api.batches[0]


@pytest.mark.parametrize(
    ("rows", "status"),
    [(["2027-01-01,20", "2027-01-01,20"], ExitStatus.DONE), (["x,8"], ExitStatus.REJECTED)],
)
def test_warnings_do_not_change_the_exit_status(tmp_path: Path, rows: list[str], status: ExitStatus) -> None:
    assert preview_json(write_csv(tmp_path / "a.csv", *rows), is_strict=True)["exit"] == status


def test_today_is_that_of_the_time_zone(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-06-03,1", "2026-06-04,1", "2026-06-05,1")

    in_utc, in_berlin = (
        list_rows(preview_json(file, time_zone=zone), "future") for zone in (None, ZoneInfo("Europe/Berlin"))
    )

    assert [row[1] for row in in_utc] == ["2026-06-04", "2026-06-05"]
    assert [row[1] for row in in_berlin] == ["2026-06-05"]


@pytest.mark.parametrize(
    ("day", "week"),
    [
        pytest.param("2027-01-01", "2026-W53", id="the year of the week"),
        pytest.param("2026-06-07T23:30:00-05:00", "2026-W23", id="monday in UTC"),
        pytest.param("2026-06-08T00:30:00+02:00", "2026-W24", id="sunday in UTC"),
        pytest.param("2026-06-31", "(no date)", id="no such day"),
    ],
)
def test_a_week_is_that_of_the_day_which_the_entry_shows(tmp_path: Path, day: str, week: str) -> None:
    shown = preview_json(write_csv(tmp_path / "a.csv", f"{day},1"))

    assert list_rows(shown, "by_week") == [[week, 1, "1"]]


def test_the_hours_of_a_day_are_added_up_over_all_files(tmp_path: Path) -> None:
    files = [
        write_csv(tmp_path / "a.csv", "2026-06-01,12", "2026-06-02,23.99"),
        write_csv(tmp_path / "b.csv", "2026-06-01,12.01", "2026-06-02,0.01"),
    ]

    assert list_rows(preview_json(*files), "over_24_hours") == [["007", "2026-06-01", 2, "24.01"]]


def test_rows_are_equal_if_their_own_ids_are_equal_too(tmp_path: Path) -> None:
    entry = '{"user_id": "007", "date": "2026-06-01", "project": "X", "hours": 1'
    ids = [', "entry_id": "a"}', ', "entry_id": "b"}', ', "entry_id": "a"}', "}"]
    (tmp_path / "a.ndjson").write_text("".join(f"{entry}{own}\n" for own in ids))
    (tmp_path / "b.ndjson").write_text(f"{entry}}}\n")

    shown = preview_json(tmp_path / "a.ndjson", tmp_path / "b.ndjson")

    assert list_rows(shown, "equal") == [["007", "2026-06-01", "X", 2, "2", f"{tmp_path}/a.ndjson:3"]]


def test_values_that_cannot_be_added_up_are_counted(tmp_path: Path) -> None:
    lines = ['{"user_id": 7, "hours": "x", "project": null}', "{}", '{"hours": 1e-60}', '{"hours": "1.5"}']
    (tmp_path / "a.ndjson").write_text("\n".join(lines))

    shown = preview_json(tmp_path / "a.ndjson")
    run = preview(tmp_path / "a.ndjson")

    assert (shown["preview"]["hours"], shown["preview"]["unreadable_hours"]) == ("1.5", 3)
    assert list_rows(shown, "by_person_project_week") == [["(no text)", "(no text)", "(no date)", 4, "1.5"]]
    assert "  entries whose hours are no number, so they are not added up: 3" in run.written


def test_skipped_rows_are_listed_by_reason(tmp_path: Path) -> None:
    our_map = write(tmp_path, last='[[skip]]\ncolumn = "Email"\nequals = ""')
    (tmp_path / "export.csv").write_text(
        "Email,Day,Project,Duration\nada,2026-06-01,Web,1:00\n,,Total,1:00\n,,Sum,1:00\n"
    )

    run = preview(tmp_path / "export.csv", map_file=our_map)
    shown = preview_json(tmp_path / "export.csv", map_file=our_map)

    row = shown["preview"]["skipped"]["rows"][0]
    assert row == {"reason": "Email is empty", "entries": 2, "first": f"{tmp_path}/export.csv:3"}
    assert "skipped, because the mapping file says so:" in run.written


def test_text_from_files_can_neither_control_the_terminal_nor_leave_its_cell(tmp_path: Path) -> None:
    person = "7\\u202e\\u001b[31m\\nforged" + "x" * 100
    entry = {name: json.loads(f'"{person}"') for name in ("user_id", "project", "comment")}
    content = json.dumps(entry | {"date": "2026-06-01", "hours": 25})
    (tmp_path / "a.ndjson").write_text(f"{content}\n{content}\n")

    run = preview(tmp_path / "a.ndjson")

    table = [line for line in run.written if line.startswith("  ")]
    assert all(line.isprintable() for line in run.written)
    assert max(map(len, table)) < 200
    assert r"7\u202e\x1b[31m\nforged" in "".join(table)


def test_only_some_members_and_rows_fit_the_text(tmp_path: Path) -> None:
    members = ", ".join(f'"m{number}": {number}' for number in range(12))
    lines = [f'{{"user_id": "{number:02}", {members}}}' for number in range(25)]
    (tmp_path / "a.ndjson").write_text("\n".join(lines))

    run = preview(tmp_path / "a.ndjson")

    assert "m7" in run.written[1]
    assert "m8" not in run.written[1]
    assert run.written.count("  and 5 more rows; --json lists them") == 2


def test_a_file_without_entries_has_only_totals(tmp_path: Path) -> None:
    run = preview(write_csv(tmp_path / "a.csv"))

    assert run.written[1:-1] == ["", "to be sent: 0 entries with 0 hours", ""]


def test_the_number_of_groups_is_bounded() -> None:
    groups = Groups("by person", "user_id", limit=2)
    for user in ("b", "a", "c", "a", "d"):
        groups.add({"user_id": user}, Decimal("1.5"))

    assert groups.list_rows() == [
        {"user_id": "(all others)", "entries": 2, "hours": "3"},
        {"user_id": "a", "entries": 2, "hours": "3"},
        {"user_id": "b", "entries": 1, "hours": "1.5"},
    ]


def test_what_the_api_always_refuses_counts_as_rejected(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"{HEADER.strip()},entry_id\n,2026-06-01,X,1,\n7,2026-06-01,X,1,a\n7,2026-06-01,X,2,a\n")

    run = run_client({}, file, is_dry_run=True)

    assert run.status == ExitStatus.REJECTED
    assert [line.partition(".csv:")[2] for line in run.warned[:2]] == [
        "2: user_id: This field may not be blank.",
        "4: entry_id: An earlier entry of this file has the same entry_id. Keep the one that is right.",
    ]


@pytest.mark.parametrize(
    ("date_format", "dates"),
    [
        ("iso", ["2026-03-04", "2026-30-11"]),
        ("dmy", ["3/4/2026", "11/30/2026"]),
        ("mdy", ["3.4.2026", "30.11.2026"]),
    ],
)
def test_nothing_of_a_file_is_sent_if_the_order_of_its_dates_is_in_doubt(
    site: Site, api: Api, tmp_path: Path, date_format: str, dates: list[str]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\n".join([HEADER.strip(), *(f"7,{date},X,1" for date in dates), ""]))

    run = run_client(site.variables, file, date_format=DateFormat(date_format), batch_size=1)

    assert (run.status, api.batches) == (ExitStatus.REJECTED, [])
    assert f"a.csv:3: '{dates[1]}' does not fit " in run.warned[0]
