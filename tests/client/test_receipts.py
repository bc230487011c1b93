"""The numbers of uploads: in summaries, and in the list of --uploads."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.api import Api
from tests.client.conftest import Reply, Site
from tests.client.runs import Run, write_days
from timesheets_client.errors import ExitStatus
from timesheets_client.output.report import describe_uploads


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], ""),
        ([17], "; upload 17"),
        ([18, 17], "; uploads 17, 18"),
        ([17, 18, 20], "; uploads 17, 18, 20"),
        ([17, 18, 19, 20], "; uploads 17 to 20"),
        ([1, 3, 4, 5, 9], "; uploads 1, 3 to 5, 9"),
    ],
)
def test_three_numbers_in_a_row_are_a_range(numbers: list[int], expected: str) -> None:
    assert describe_uploads(numbers) == expected


def test_a_summary_ends_with_the_numbers_of_its_uploads(site: Site, api: Api, tmp_path: Path) -> None:
    api.store("other", 1)
    run, in_json = Run(), Run(is_json=True)

    run.start(site.variables, write_days(tmp_path / "a.csv", 5), batch_size=2)
    in_json.start(site.variables, tmp_path / "a.csv", batch_size=3)

    assert run.written[0].endswith(" s; uploads 2 to 4")
    assert json.loads(in_json.written[0])["files"][0]["uploads"] == [5, 6]


@pytest.mark.parametrize("location", [{}, {"Location": "/uploads/x"}, {"Location": "/uploads/17/rejections"}])
def test_an_api_without_receipts_is_no_error(site: Site, tmp_path: Path, location: dict[str, str]) -> None:
    counts = {"received": 1, "created": 1, "existing": 0, "rejected": 0, "entries": []}
    site.replies["/timesheets/upload"] = Reply(status=207, body=counts, headers=location)
    run = Run()

    status = run.start(site.variables, write_days(tmp_path / "a.csv", 1))

    assert (status, run.written[0][-2:]) == (ExitStatus.DONE, " s")


def list_uploads(site: Site, **options: Any) -> tuple[ExitStatus, Run]:
    run = options.pop("run", None) or Run()
    return run.start(site.variables, lists_uploads=True, **options), run


def test_the_latest_uploads_are_listed(site: Site, api: Api) -> None:
    api.grant("read:timesheets")
    for label in ("a.csv", "b.csv", "b.csv"):
        api.add({}, {}, label=label)

    _, everything = list_uploads(site)
    status, of_file = list_uploads(site, label="b.csv")

    assert (status, of_file.warned) == (ExitStatus.DONE, [])
    assert of_file.written[0].split() == [
        *("upload", "received", "(UTC)", "created", "existing", "rejected", "label")
    ]
    assert [line.split()[0] for line in everything.written[1:]] == ["3", "2", "1"]
    assert [line.split()[3:] for line in of_file.written[1:]] == [["2", "0", "0", "b.csv"]] * 2


def test_without_an_upload_there_is_no_table(site: Site, api: Api) -> None:
    assert list_uploads(site)[1].written == ["no uploads"]
    _, run = list_uploads(site, run=Run(is_json=True))
    assert json.loads(run.written[0]) == {"files": [], "uploads": [], "exit": 0}


def test_a_list_of_another_server_is_a_configuration_error(site: Site, api: Api) -> None:
    for page in ({}, {"results": [{"id": 1}]}, {"results": ["x"]}):
        site.replies["/uploads"] = Reply(status=200, body=page)
        status, run = list_uploads(site)
        assert status == ExitStatus.CONFIGURATION
        assert "/uploads: this is not a response from the Timesheets API" in run.warned[0]
