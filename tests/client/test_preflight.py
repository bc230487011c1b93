import json
from pathlib import Path

import pytest

from tests.client.api import Api
from tests.client.conftest import Reply, Site, mint_token, token_document
from tests.client.runs import Run, run_client, write_csv
from timesheets_client.errors import ExitStatus

# The verdicts on no entry.
NOTHING = {"received": 0, "created": 0, "existing": 0, "rejected": 0, "entries": []}


def test_a_dry_run_needs_no_settings_and_writes_nothing(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "03/04/2026,1")
    run = run_client({"AUTH0_DOMAIN": "incomplete"}, file, is_dry_run=True)

    assert run.status == ExitStatus.REJECTED
    assert run.warned[0].startswith(f"{file}:3: date: this is not a date")
    assert run.written[0] == f"{file}: 2 entries, 1 rejected; nothing was sent (--dry-run)"
    assert "only the API can tell" in run.written[1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("option", ["is_dry_run", "is_check"])
def test_a_check_warns_about_a_suspicious_file_and_strict_refuses_it(
    api: Api, tmp_path: Path, option: str
) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1")
    file.write_text(file.read_text().rstrip())
    run = Run()

    lenient = run.start(api.variables, file, **{option: True})
    strict = run.start(api.variables, file, is_strict=True, **{option: True})

    assert (lenient, strict) == (ExitStatus.DONE, ExitStatus.REJECTED)
    assert [line.split(": ")[1:3] for line in run.warned] == 2 * [
        ["warning", "the last line has no line ending; was the file cut?"]
    ]


def test_a_check_names_each_step(api: Api) -> None:
    run = run_client(api.variables, is_check=True)

    assert (run.status, run.warned) == (ExitStatus.DONE, [])
    assert [line.split(":")[0] for line in run.written] == [
        *("ok       settings", "ok       token", "ok       audience", "ok       scope"),
        *("ok       expiry", "ok       API"),
    ]
    assert api.requests[0].path == "/timesheets/upload?dry_run=true"
    assert api.batches == [[]]


@pytest.mark.parametrize(
    ("path", "reply", "message"),
    [
        pytest.param("/oauth/token", Reply(status=401), "FAILED   token: token request refused", id="secret"),
        pytest.param(
            "/oauth/token",
            Reply(status=200, body=token_document(mint_token(scope="read:timesheets"))),
            "FAILED   token: the access token lacks the scope batch:upload",
            id="scope",
        ),
        pytest.param("/timesheets/upload", Reply(status=404), "FAILED   API: ", id="address"),
        pytest.param("/timesheets/upload", Reply(status=403), "FAILED   API: upload refused", id="403"),
    ],
)
def test_a_check_explains_the_first_step_that_fails(
    site: Site, path: str, reply: Reply, message: str
) -> None:
    site.replies[path] = reply
    run = run_client(site.variables, is_check=True)

    assert run.status in (ExitStatus.REFUSED, ExitStatus.CONFIGURATION)
    assert len(run.warned) == 1
    assert run.warned[0].startswith(message)


def test_a_check_names_an_unreachable_server_once(site: Site) -> None:
    run = run_client(
        site.variables | {"TIMESHEETS_API_URL": "http://127.0.0.1:1"}, is_check=True, verbosity=0
    )

    assert run.status == ExitStatus.TEMPORARY
    [message] = run.warned
    assert message.startswith("FAILED   API: http://127.0.0.1:1/timesheets/upload: no connection.")
    assert message.count("again") == 1


def test_a_check_of_wrong_settings_sends_nothing(site: Site) -> None:
    run = run_client(site.variables | {"AUTH0_AUDIENCE": ""}, is_check=True)

    assert run.status == ExitStatus.CONFIGURATION
    assert run.warned[0].startswith("FAILED   settings: ")
    assert site.received == []


def test_a_check_of_a_file_sends_it_to_the_api_and_stores_nothing(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-02,26", "x,1")
    run = run_client(api.variables, file, is_check=True)

    assert run.status == ExitStatus.REJECTED
    assert api.stored == {}
    # A dry run leaves no receipt, so it needs no label.
    assert {request.path for request in api.requests if request.body} == {"/timesheets/upload?dry_run=true"}
    assert run.written[-1] == (
        f"rejected {file}: 3 entries, 1 would be created, 0 already there, 2 rejected; "
        "nothing was stored (--check)"
    )
    assert not list(tmp_path.glob("*.ndjson"))


def test_a_check_of_a_file_is_in_the_json_output(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-02,26")
    run = run_client(api.variables, file, is_check=True, is_json=True)

    [line] = run.written
    [outcome] = json.loads(line)["files"]
    assert outcome.pop("seconds") >= 0
    counts = {"entries": 2, "created": 1, "existing": 0, "rejected": 1}
    # A dry run leaves no receipt.
    assert outcome == counts | {"file": str(file), "rejects": None, "uploads": []}


def test_a_check_shows_when_the_token_expires_by_this_machines_clock(site: Site) -> None:
    document = token_document(mint_token(iat=1000, exp=1100))
    site.replies["/oauth/token"] = Reply(status=200, body=document)
    site.replies["/timesheets/upload"] = Reply(status=200, body={**NOTHING, "dry_run": True})
    run = run_client(site.variables, is_check=True, wall_clock=lambda: 1_800_000_000)

    assert (run.status, run.warned) == (ExitStatus.DONE, [])
    assert "ok       expiry: 2027-01-15 08:01:40 UTC" in run.written


def test_a_check_sends_no_file_to_an_api_that_ignores_dry_run(site: Site, tmp_path: Path) -> None:
    site.replies["/timesheets/upload"] = Reply(status=200, body=NOTHING)

    status = Run().start(site.variables, write_csv(tmp_path / "a.csv", "2026-01-01,1"), is_check=True)

    assert status == ExitStatus.CONFIGURATION
    assert site.count("/timesheets/upload?dry_run=true") == 1


def test_a_cached_token_is_forgotten(site: Site, api: Api) -> None:
    Run().start(site.variables, is_check=True, caches_token=True)
    Run().start(site.variables, forgets_token=True, caches_token=True)
    Run().start(site.variables, is_check=True, caches_token=True)

    assert site.count("/oauth/token") == 2
