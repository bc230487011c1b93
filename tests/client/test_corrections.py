"""What --correct stores, and what it leaves alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.api import ALL_SCOPES, Api
from tests.client.conftest import Reply, Site
from tests.client.runs import Run, read_rejects
from timesheets_client.errors import ExitStatus

HEADER = "entry_id,user_id,date,project,hours\n"
NAMELESS = ",007,2026-06-01,X,1\n"


def write(path: Path, *rows: str) -> Path:
    """A file with these rows, each `entry_id,hours`."""
    lines = [f"{each.partition(',')[0]},007,2026-06-01,X,{each.partition(',')[2]}\n" for each in rows]
    path.write_text(HEADER + "".join(lines))
    return path


def correct(site: Site, file: Path | str, reason: str = "typo", **options: Any) -> tuple[ExitStatus, Run]:
    run = options.pop("run", None) or Run()
    status = run.start(site.variables, file, is_correction=True, reason=reason, **options)
    return status, run


def test_what_differs_is_corrected_and_the_rest_stays(site: Site, api: Api, tmp_path: Path) -> None:
    api.store("a", 1)
    api.store("b", 1)
    file = write(tmp_path / "a.csv", "a,2", "b,1", "c,3")

    status, run = correct(site, file)

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert api.revisions("a") == [(1, None), (2, "typo")]
    assert api.revisions("b") == [(1, None)]
    assert api.revisions("c") == [(3, None)]
    assert run.written[0].startswith(
        f"{file}: 3 entries, 1 created, 1 corrected, 1 already there, 0 rejected"
    )
    [request] = api.requests
    assert request.path == "/timesheets/upload?correct=true&label=a.csv&reason=typo"


@pytest.mark.parametrize(
    ("before", "hours", "after"),
    [
        pytest.param([1, 2], "1", [1, 2, 1], id="back to an older value"),
        pytest.param([1, 2, 3], "4", [1, 2, 3, 4], id="after other corrections"),
        pytest.param([1], "0", [1, 0], id="withdrawn"),
        pytest.param([1, 0], "0", [1, 0], id="withdrawn already, for another reason"),
        pytest.param([1, 0, 2], "0", [1, 0, 2, 0], id="withdrawn again after a restoration"),
        pytest.param([1, 0], "1", [1, 0, 1], id="restored"),
    ],
)
def test_a_second_run_changes_nothing(
    site: Site, api: Api, tmp_path: Path, before: list[float], hours: str, after: list[float]
) -> None:
    api.store("a", *before)
    file = write(tmp_path / "a.csv", f"a,{hours}")

    first, _ = correct(site, file)
    stored = api.revisions("a")
    second, run = correct(site, file)

    assert (first, second) == (ExitStatus.DONE, ExitStatus.DONE)
    assert [each for each, _ in stored] == after
    assert api.revisions("a") == stored
    assert "1 entry, 0 created, 0 corrected, 1 already there" in run.written[0]


def test_revisions_and_reasons_of_the_file_are_ignored(site: Site, api: Api, tmp_path: Path) -> None:
    api.store("a", 1)
    entry = {"entry_id": "a", "user_id": "007", "date": "2026-06-01", "project": "X", "hours": 2}
    file = tmp_path / "a.ndjson"
    file.write_text(json.dumps({**entry, "revision": 7, "reason": "theirs"}))

    status, _ = correct(site, file)

    assert status == ExitStatus.DONE
    assert api.revisions("a") == [(1, None), (2, "typo")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", "user_id,date,project,hours\n007,2026-06-01,X,1\n", id="no column"),
        pytest.param("a.csv", f"{HEADER}{NAMELESS}", id="no cell"),
        pytest.param(
            "a.csv", f"{HEADER}{1_000 * NAMELESS}a,{NAMELESS[1:]}", id="in none of the first thousand rows"
        ),
    ],
)
def test_a_file_without_ids_is_refused_before_anything_is_sent(
    site: Site, api: Api, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)

    status, run = correct(site, tmp_path / name)

    assert status == ExitStatus.USAGE
    assert api.requests == []
    assert "--correct needs the entry_id" in run.warned[-1]
    assert not list(tmp_path.glob("*.rejected.ndjson"))


def test_an_entry_without_an_id_is_rejected_and_the_others_are_corrected(
    site: Site, api: Api, tmp_path: Path
) -> None:
    api.store("a", 1)
    file = write(tmp_path / "a.csv", ",5", "a,2", ",6")

    status, run = correct(site, file)

    rejects = read_rejects(tmp_path / "a.csv.rejected.ndjson")
    assert status == ExitStatus.REJECTED
    assert [line["hours"] for line in rejects] == [5, 6]
    assert api.revisions("a")[1:] == [(2, "typo")]
    assert run.warned[-1].endswith("and upload that file with --correct")
    assert "3 entries, 0 created, 1 corrected, 0 already there, 2 rejected" in run.written[0]


def test_the_second_entry_with_an_id_is_rejected(site: Site, api: Api, tmp_path: Path) -> None:
    api.store("a", 1)
    file = write(tmp_path / "a.csv", "a,2", "b,1", "a,3")

    for _ in range(2):
        status, run = correct(site, file, batch_size=1)
        assert status == ExitStatus.REJECTED
        assert "a.csv:4: entry_id: An earlier entry of this file has the same entry_id" in run.warned[0]

    assert api.revisions("a") == [(1, None), (2, "typo")]


def test_at_verbosity_2_each_corrected_entry_is_named(site: Site, api: Api, tmp_path: Path) -> None:
    api.store("a", 1)
    api.store("b", 1)
    api.store("c", 1)
    file = write(tmp_path / "a.csv", "a,2", "b,1", "c,0")

    _, run = correct(site, file, run=Run(verbosity=2))

    assert run.written[:3] == [
        f"{file}:2: corrected, revision 2",
        f"{file}:3: already there",
        f"{file}:4: corrected, revision 2",
    ]


def test_a_cached_token_without_the_scope_is_replaced_once(site: Site, api: Api, tmp_path: Path) -> None:
    api.grant("batch:upload")
    file = write(tmp_path / "a.csv", "a,2")
    Run().start(site.variables, file, caches_token=True)
    new_token = api.grant(ALL_SCOPES)

    status, _ = correct(site, write(file, "a,3"), caches_token=True)

    assert status == ExitStatus.DONE
    assert site.count("/oauth/token") == 2
    assert api.requests[-1].headers["Authorization"] == f"Bearer {new_token}"


def test_a_check_compares_days_in_the_time_zone_of_the_api(site: Site, api: Api, tmp_path: Path) -> None:
    api.grant("batch:upload correct:timesheets")
    metadata = "/.well-known/oauth-protected-resource/timesheets/upload"
    site.replies[metadata] = Reply(status=200, body={"time_zone": "Pacific/Auckland"})
    # The midnight at which 2 June begins.
    api.store("a", 1, date="2026-06-01T12:00:00Z")
    api.store("b", 1, date="2026-06-01T12:00:00Z")
    file = tmp_path / "a.csv"
    file.write_text("entry_id,user_id,date,project,hours\na,007,2026-06-02,X,2\nb,007,2026-06-01,X,2\n")

    _, run = correct(site, file, is_check=True)

    assert run.written[6:-1] == [
        f"{file}:2: would become revision 2: 007, 2026-06-02, X, 1 -> 2 hours",
        f"{file}:3: would become revision 2: 007, 2026-06-01T12:00:00Z -> 2026-06-01, X, 1 -> 2 hours",
    ]
    assert site.count(metadata) == 1


def test_a_check_shows_old_and_new_values_and_stores_nothing(site: Site, api: Api, tmp_path: Path) -> None:
    api.grant("batch:upload correct:timesheets")
    api.store("a", 7.5)
    api.store("b", 1)
    api.store("c", 1, 2, 3)
    api.store("e", 1, project="Y")
    api.store("f", 1, date="2026-06-01T08:00:00Z")
    file = write(tmp_path / "a.csv", "a,6", "b,1.0", "c,0", "d,1", "e,1", "f,1")

    status, run = correct(site, file, is_check=True)

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert len(api.rows) == 7
    assert run.written[6:] == [
        f"{file}:2: would become revision 2: 007, 2026-06-01, X, 7.5 -> 6 hours",
        f"{file}:4: would become revision 4: 007, 2026-06-01, X, 3 -> 0 hours",
        f"{file}:6: would become revision 2: 007, 2026-06-01, Y -> X, 1 hours",
        f"{file}:7: would become revision 2: 007, 2026-06-01T08:00:00Z -> 2026-06-01, X, 1 hours",
        (
            f"ok       {file}: 6 entries, 1 would be created, 4 would be corrected, 1 already there, "
            "0 rejected; nothing was stored (--check)"
        ),
    ]
    assert "batch:upload, correct:timesheets are granted" in run.written[3]
    assert {each.path for each in api.requests[1:] if each.body} == {
        "/timesheets/upload?dry_run=true&correct=true&reason=typo"
    }


@pytest.mark.parametrize(
    ("is_check", "verdict"),
    [
        pytest.param(False, {"status": 201, "revision": 2, "was": {}}, id="what only a dry run says"),
        pytest.param(True, {"status": 201, "revision": 2}, id="a dry run that does not say what was"),
        pytest.param(False, {"status": 200, "index": 1}, id="another entry"),
    ],
)
def test_a_verdict_that_was_not_asked_for_is_a_configuration_error(
    site: Site, api: Api, tmp_path: Path, is_check: bool, verdict: dict[str, Any]
) -> None:
    outcome = {200: "existing", 201: "created"}[verdict["status"]]
    counts = {"received": 1, "created": 0, "existing": 0, "rejected": 0, outcome: 1}
    verdict = {"index": 0, **verdict} | ({"was": make_row()} if verdict.get("was") == {} else {})
    body = {**counts, "entries": [verdict]} | ({"dry_run": True} if is_check else {})
    reply = Reply(status=200 if is_check else 207, body=body)
    api.troubles += [*[lambda: None] * is_check, reply]

    status, run = correct(site, write(tmp_path / "a.csv", "a,2"), is_check=is_check)

    assert status == ExitStatus.CONFIGURATION
    assert "this is not a response from the Timesheets API" in run.warned[0]


def make_row(**members: object) -> dict[str, object]:
    return {"user_id": "007", "date": "2026-06-01T00:00:00Z", "project": "X", "hours": 1, **members}


def test_stored_values_cannot_control_the_terminal_or_show_the_token(
    site: Site, api: Api, tmp_path: Path
) -> None:
    verdict = {"index": 0, "status": 201, "revision": 2, "was": make_row(project=f"\x1b[2J\n{site.token}")}
    counts = {"received": 1, "created": 1, "existing": 0, "rejected": 0, "dry_run": True}
    api.troubles += [lambda: None, Reply(status=200, body={**counts, "entries": [verdict]})]

    _, run = correct(site, write(tmp_path / "a.csv", "a,6"), is_check=True)

    printed = "".join(run.written)
    assert "[2J" in printed
    assert printed.isprintable()
    assert site.token[:40] not in printed


def test_an_api_without_corrections_is_a_configuration_error(site: Site, api: Api, tmp_path: Path) -> None:
    refusal = {"code": "invalid_parameter", "detail": "The only parameters are atomic, dry_run."}
    site.replies["/timesheets/upload"] = Reply(status=400, body=refusal)

    status, run = correct(site, write(tmp_path / "a.csv", "a,6"))

    assert (status, api.rows) == (ExitStatus.CONFIGURATION, [])
    assert run.warned[0].endswith(
        "/timesheets/upload: this API is too old for corrections, and nothing was stored: "
        "400 invalid_parameter: The only parameters are atomic, dry_run"
    )
