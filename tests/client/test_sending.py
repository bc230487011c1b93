import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.client.api import UPLOAD, Api
from tests.client.conftest import Reply, Site
from tests.client.runs import Run, run_client, write_csv, write_days
from timesheets_client.errors import ExitStatus
from timesheets_client.reading.entries import InputEntry
from timesheets_client.sending.batches import make_batches

VERDICT = {"index": 0, "status": 422, "errors": {"hours": ["No."]}}
REFUSED = {"created": 0, "rejected": 1, "entries": [VERDICT]}


def batch_of_one(created: object = 1, **changes: Any) -> dict[str, Any]:
    """The API's answer to a batch of one entry."""
    return {"received": 1, "created": created, "existing": 0, "rejected": 0, "entries": [], **changes}


@pytest.mark.parametrize(
    ("count", "size", "batches"),
    [
        pytest.param(25, 1, [10, 10, 5], id="entries"),
        pytest.param(25, 1_000, [4] * 6 + [1], id="bytes"),
        pytest.param(2, 9_000, [1, 1], id="each too large"),
        pytest.param(0, 1, [], id="none"),
    ],
)
def test_a_batch_has_as_many_entries_as_fit(count: int, size: int, batches: list[int]) -> None:
    entries = [InputEntry(source="", members={"project": "x" * size}) for _ in range(count)]

    assert [len(batch) for batch in make_batches(entries, 10, 5_000)] == batches


def test_a_batch_is_sent_as_ndjson_with_gzip(api: Api, tmp_path: Path) -> None:
    Run().start(api.variables, write_days(tmp_path / "a.csv", 25), batch_size=10)

    first = api.requests[0]
    lines = gzip.decompress(first.body).splitlines()
    assert [len(batch) for batch in api.batches] == [10, 10, 5]
    assert first.headers["Content-Type"] == "application/x-ndjson"
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Prefer"] == "return=minimal"
    assert json.loads(lines[0])["entry_id"].startswith("20260101-")


def test_a_batch_that_is_too_large_is_halved(api: Api, tmp_path: Path) -> None:
    api.max_entries = 3
    run = run_client(api.variables, write_days(tmp_path / "a.csv", 10))

    assert run.status == ExitStatus.DONE
    assert [len(batch) for batch in api.batches] == [2, 3, 2, 3]
    assert "10 entries, 10 created" in run.written[0]


def test_a_single_entry_that_is_too_large_is_rejected(api: Api, tmp_path: Path) -> None:
    api.max_entries = 0
    run = run_client(api.variables, write_days(tmp_path / "a.csv", 2))

    assert run.status == ExitStatus.REJECTED
    assert "a.csv:2: This entry is too large for the API: 413 too_large" in run.warned[0]


NO_LABEL = Reply(status=400, body={"code": "invalid_parameter", "detail": "Unknown parameter: label."})


def find_labels(api: Api) -> list[str]:
    return ["".join(parse_qs(urlsplit(each.path).query).get("label", [])) for each in api.requests]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        pytest.param("week23.csv", "week23.csv", id="plain"),
        pytest.param("w\u00f6che 23 (1).csv", "w-che-23--1-.csv", id="other characters"),
        pytest.param("Mu\u0308nchen x\u0304\u0331.csv", "M-nchen--.csv", id="marks apart from letters"),
        pytest.param("a:b_c-d&e=f\n.csv", "a:b_c-d-e-f-.csv", id="separators"),
        pytest.param("\udce9.csv", "-.csv", id="a byte that is not UTF-8"),
        pytest.param("x" * 200 + ".csv", "x" * 128, id="long"),
    ],
)
def test_each_batch_of_a_file_has_its_name_as_a_label(
    api: Api, tmp_path: Path, name: str, label: str
) -> None:
    (tmp_path / "b,c").mkdir()

    assert Run().start(api.variables, write_days(tmp_path / "b,c" / name, 3), batch_size=2) == ExitStatus.DONE
    assert find_labels(api) == [label, label]


@pytest.mark.parametrize("derives_ids", [True, False])
def test_an_api_that_refuses_the_label_gets_none_for_the_rest_of_the_run(
    api: Api, tmp_path: Path, derives_ids: bool
) -> None:
    api.troubles.append(NO_LABEL)
    files = [write_days(tmp_path / name, 3) for name in ("a.csv", "b.csv")]
    run = run_client(api.variables, *files, batch_size=2, derives_ids=derives_ids)

    assert (run.status, run.warned) == (ExitStatus.DONE, [])
    assert find_labels(api) == ["a.csv", "", "", "", ""]
    assert [len(batch) for batch in api.batches] == [2, 1, 2, 1]


def test_a_refused_parameter_without_a_label_ends_the_run(api: Api, tmp_path: Path) -> None:
    api.troubles += [NO_LABEL, NO_LABEL]
    run = run_client(api.variables, write_days(tmp_path / "a.csv", 3))

    assert run.status == ExitStatus.CONFIGURATION
    assert find_labels(api) == ["a.csv", ""]
    assert "400 invalid_parameter: Unknown parameter: label" in run.warned[0]


@pytest.mark.parametrize("trouble", ["lost", Reply(status=503), Reply(status=429)])
def test_a_batch_is_sent_again_and_stored_once(api: Api, tmp_path: Path, trouble: Reply | str) -> None:
    api.troubles.append(trouble)
    run = run_client(api.variables, write_days(tmp_path / "a.csv", 25), batch_size=10)

    assert run.status == ExitStatus.DONE
    assert len(api.stored) == 25


def test_without_ids_a_lost_response_ends_the_run_and_names_the_lines(api: Api, tmp_path: Path) -> None:
    api.troubles += [Reply(status=429), "lost"]
    run = run_client(api.variables, write_days(tmp_path / "a.csv", 25), batch_size=10, derives_ids=False)

    assert run.status == ExitStatus.TEMPORARY
    assert len(api.stored) == 10
    assert "a.csv:2 to " in run.warned[1]
    assert (
        "a.csv:11: the response was lost, so it is unknown whether these 10 entries are stored"
        in run.warned[1]
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(batch_of_one(7, received=7), id="others"),
        pytest.param(batch_of_one(received=7), id="counts"),
        pytest.param(batch_of_one(0), id="none"),
        pytest.param(batch_of_one("1"), id="text"),
        pytest.param(batch_of_one(0, rejected=1), id="a verdict is missing"),
        pytest.param(batch_of_one(existing=1), id="too many"),
        pytest.param({"message": "Created"}, id="another API's"),
        pytest.param(batch_of_one(created=True), id="a boolean for a count"),
        pytest.param(batch_of_one(created=2, existing=-1), id="negative"),
        pytest.param(batch_of_one(dry_run=True), id="an unrequested dry run"),
        pytest.param(batch_of_one(entries={"index": 0, "status": 201}), id="no list"),
        pytest.param(batch_of_one(entries=[{"index": 1, "status": 201}]), id="a verdict on an unknown entry"),
        pytest.param(batch_of_one(entries=[{"index": 0, "status": 200}]), id="an uncounted verdict"),
        pytest.param(batch_of_one(0, rejected=1, entries=[{"index": 0, "status": 500}]), id="no verdict"),
        pytest.param(batch_of_one(0, rejected=1, entries=[{"index": 0, "status": 424}]), id="held back"),
        pytest.param(batch_of_one(entries=[7]), id="a number for a verdict"),
        pytest.param(batch_of_one(entries=[{"index": 0, "status": 201}] * 2), id="two verdicts on one entry"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(json.dumps(batch_of_one()).encode() + b" " * 2**26, id="over 64 MiB"),
    ],
)
def test_a_response_with_inconsistent_counts_is_a_wrong_address(
    site: Site, tmp_path: Path, body: bytes | dict[str, Any]
) -> None:
    expect_wrong_address(site, tmp_path, Reply(status=207, body=body))


@pytest.mark.parametrize(
    ("status", "changes", "options"),
    [
        pytest.param(200, {}, {}, id="the status of a dry run"),
        pytest.param(201, {}, {}, id="the status of one entry"),
        pytest.param(422, REFUSED, {}, id="an unrequested atomic upload"),
        pytest.param(422, {}, {"is_strict": True}, id="refused but created"),
        pytest.param(207, REFUSED, {"is_strict": True}, id="not atomic"),
        pytest.param(200, {"dry_run": True}, {"is_strict": True}, id="a dry run of a strict upload"),
        pytest.param(207, {}, {"verbosity": 2}, id="without the requested verdict"),
    ],
)
def test_a_response_to_another_request_is_a_wrong_address(
    site: Site, tmp_path: Path, status: int, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    expect_wrong_address(site, tmp_path, Reply(status=status, body=batch_of_one(**changes)), **options)


def expect_wrong_address(site: Site, folder: Path, reply: Reply, **options: Any) -> None:
    site.replies[UPLOAD] = reply
    run = run_client(site.variables, write_csv(folder / "a.csv", "2026-01-01,1"), **options)

    assert (run.status, run.written) == (ExitStatus.CONFIGURATION, [])
    assert "this is not a response from the Timesheets API" in run.warned[0]


GAP = {"revision": ["Revision 2 does not exist yet."]}
SCOPE = {"revision": ["A correction needs the scope correct:timesheets."]}


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        pytest.param(
            {"status": 403, "code": "insufficient_scope", "errors": SCOPE},
            "revision: A correction needs the scope correct:timesheets.",
            id="scope",
        ),
        pytest.param(
            {"status": 409, "code": "revision_gap", "id": 14, "current_revision": 4, "errors": GAP},
            "revision: Revision 2 does not exist yet.",
            id="gap",
        ),
        pytest.param(
            {"status": 409, "id": 14, "current_revision": 3},
            "entry_id: This belongs to timesheet 14, which differs and stays unchanged; "
            "to correct it, upload it with --correct and --reason.",
            id="conflict",
        ),
        pytest.param(
            # As in a dry run, which stores no entry that could be named.
            {"status": 409},
            "entry_id: An earlier entry of this file has the same entry_id. Keep the one that is right.",
            id="conflict with an entry of the same file",
        ),
    ],
)
def test_a_refused_correction_is_rejected_with_what_to_do(
    site: Site, tmp_path: Path, item: dict[str, Any], problem: str
) -> None:
    body = batch_of_one(0, rejected=1, entries=[{"index": 0, **item}])
    site.replies[UPLOAD] = Reply(status=207, body=body)
    run = run_client(site.variables, write_csv(tmp_path / "a.csv", "2026-01-01,1"))

    assert run.status == ExitStatus.REJECTED
    assert run.warned[0].startswith(f"{tmp_path}/a.csv:2: ")
    assert run.warned[0].endswith(problem)
    [line] = (tmp_path / "a.csv.rejected.ndjson").read_text().splitlines()
    [[message]] = json.loads(line)["_rejected"]["errors"].values()
    assert problem.endswith(message) or message.endswith(problem)


@pytest.mark.parametrize("name", ["one entry", "a file"])
def test_a_body_that_arrives_damaged_is_a_temporary_failure(api: Api, tmp_path: Path, name: str) -> None:
    api.troubles.append(Reply(status=400, body={"code": "incomplete_body", "detail": "Ended."}))
    files = [write_csv(tmp_path / "a.csv", "2026-01-01,1")] if name == "a file" else []

    run = run_client(api.variables, *files)

    assert run.status == ExitStatus.TEMPORARY
    assert "arrived damaged: 400 incomplete_body" in run.warned[0]
