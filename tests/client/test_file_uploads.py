import json
import signal
from pathlib import Path

import pytest

from tests.client.api import Api
from tests.client.conftest import MESSAGE, Reply, Site
from tests.client.runs import HEADER, Run, read_rejects, run_client, write_csv, write_days
from timesheets_client.errors import ExitStatus

TOO_MANY = "Ensure this value is less than or equal to 24."


def test_a_file_is_reported_in_one_line_unless_the_run_is_quiet(api: Api, tmp_path: Path) -> None:
    run = run_client(api.variables, write_days(tmp_path / "a.csv", 3))
    quiet = run_client(api.variables, tmp_path / "a.csv", verbosity=0)

    assert (run.status, run.warned) == (ExitStatus.DONE, [])
    assert (quiet.status, quiet.output) == (ExitStatus.DONE, "")
    [line] = run.written
    assert line.startswith(f"{tmp_path}/a.csv: 3 entries, 3 created, 0 already there, 0 rejected in ")


def test_a_file_that_is_sent_again_creates_no_duplicates(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-01,1", "2026-01-02,1")
    sorted_file = write_csv(tmp_path / "b.csv", "2026-01-02,1", "2026-01-01,1", "2026-01-01,1")
    first, second, third = Run(), Run(), Run()

    for run, path in ((first, file), (second, file), (third, sorted_file)):
        assert run.start(api.variables, path) == ExitStatus.DONE

    assert len(api.stored) == 3
    assert "3 entries, 3 created, 0 already there" in first.written[0]
    assert "3 entries, 0 created, 3 already there" in second.written[0]
    assert "3 entries, 0 created, 3 already there" in third.written[0]


def test_at_verbosity_2_each_existing_entry_is_named(api: Api, tmp_path: Path) -> None:
    file = write_days(tmp_path / "a.csv", 2)
    Run().start(api.variables, file)
    run = run_client(api.variables, file, verbosity=2)

    assert run.written[:2] == [f"{file}:2: already there", f"{file}:3: already there"]
    assert "Prefer" not in api.requests[-1].headers


@pytest.mark.parametrize(("name", "content"), [("a.csv", HEADER), ("a.json", "[]")])
def test_a_file_without_entries_sends_nothing_and_gets_no_token(
    site: Site, api: Api, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)

    assert Run().start(site.variables, tmp_path / name) == ExitStatus.DONE
    assert site.received == []


def test_rejected_entries_are_kept_and_the_rest_is_stored(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-02,26", "01/03/2026,1")
    file.chmod(0o640)
    run = run_client(api.variables, file)

    rejects = tmp_path / "a.csv.rejected.ndjson"
    unreadable, invalid = read_rejects(rejects)
    assert run.status == ExitStatus.REJECTED
    assert len(api.stored) == 1
    assert invalid["hours"] == 26
    assert str(invalid["entry_id"]).startswith("20260102-")
    assert invalid["_rejected"] == {"source": f"{file}:3", "errors": {"hours": [TOO_MANY]}}
    assert unreadable["date"] == "01/03/2026"
    assert str(unreadable["entry_id"]).startswith("00000000-")
    assert rejects.stat().st_mode & 0o777 == 0o640
    assert f"{file}:3: hours: {TOO_MANY}" in run.warned
    assert f"{file}: 2 rejected; fix them in {rejects} and upload that file" in run.warned
    assert "3 entries, 1 created, 0 already there, 2 rejected" in run.written[0]


def test_the_fixed_file_is_accepted(api: Api, tmp_path: Path) -> None:
    # The fixed second row equals the first, and is still another entry.
    Run().start(api.variables, write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-01,26"))
    rejects = tmp_path / "a.csv.rejected.ndjson"
    rejects.write_text(rejects.read_text().replace('"hours": 26', '"hours": 1'))

    assert Run().start(api.variables, rejects) == ExitStatus.DONE
    assert len(api.stored) == 2


CORRECTIONS = """\
user_id,date,project,hours,entry_id,revision,reason
007,2026-01-01,X,1,a,1,
007,2026-01-01,X,2,b,2,"typing error, sorry"
007,2026-01-01,X,3,,2,late
007,2026-01-01,X,4,,1,
007,2026-01-01,X,30,c,3,far too late
03.01.2026,x,X,5,,2,
"""


@pytest.mark.parametrize("derives_ids", [True, False])
def test_a_correction_without_its_own_id_is_rejected_and_the_rest_is_sent(
    api: Api, tmp_path: Path, derives_ids: bool
) -> None:
    (tmp_path / "a.csv").write_text(CORRECTIONS)
    run = run_client(api.variables, tmp_path / "a.csv", derives_ids=derives_ids)

    rejects = read_rejects(tmp_path / "a.csv.rejected.ndjson")
    lines = {line["_rejected"]["source"].rpartition(":")[2]: line for line in rejects}
    assert run.status == ExitStatus.REJECTED
    [batch] = api.batches
    assert [entry["hours"] for entry in batch] == [1, 2, 4, 30]
    assert [entry.get("revision") for entry in batch] == [1, 2, 1, 3]
    assert batch[1]["reason"] == "typing error, sorry"
    assert [("entry_id" in lines[number]) for number in "467"] == [False, True, False]
    assert lines["4"]["_rejected"]["errors"].keys() == {"entry_id"}
    assert lines["7"]["_rejected"]["errors"].keys() == {"entry_id", "date", "reason"}
    assert (lines["6"]["revision"], lines["6"]["reason"]) == (3, "far too late")
    assert f"{tmp_path}/a.csv:4: entry_id: a revision other than 1 needs the entry_id" in run.warned[0]


def test_a_line_that_could_not_be_read_is_kept_as_text_with_an_id(api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text("oops\noops\n")
    run = run_client(api.variables, tmp_path / "a.ndjson")

    first, second = read_rejects(tmp_path / "a.ndjson.rejected.ndjson")
    assert run.status == ExitStatus.REJECTED
    assert first["entry_id"] != second["entry_id"]
    assert first["_rejected"] == {
        "source": f"{tmp_path}/a.ndjson:1",
        "text": "oops",
        "errors": {"non_field_errors": ["this line is not JSON: expecting value, at line 1, column 1"]},
    }


def test_the_rejects_file_is_removed_when_nothing_is_rejected(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,26")
    Run().start(api.variables, file)
    write_csv(file, "2026-01-01,1")

    Run().start(api.variables, file)

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.csv"]


def test_a_failed_run_keeps_the_rejects_of_the_previous_run(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,26", "2026-01-02,1")
    Run().start(api.variables, file)
    before = (tmp_path / "a.csv.rejected.ndjson").read_text()
    api.troubles += [Reply(status=503)] * 2
    run = run_client(api.variables, write_csv(file, "x,1", "2026-01-02,1"), retries=1)

    assert run.status == ExitStatus.TEMPORARY
    assert (tmp_path / "a.csv.rejected.ndjson").read_text() == before
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_rejects_go_to_the_chosen_file(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,26")

    Run().start(api.variables, file, rejects=tmp_path / "elsewhere.ndjson")

    assert len(read_rejects(tmp_path / "elsewhere.ndjson")) == 1
    assert not (tmp_path / "a.csv.rejected.ndjson").exists()


def test_rejects_that_cannot_be_written_are_a_configuration_error(api: Api, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = run_client(
        api.variables, write_csv(tmp_path / "a.csv", "2026-01-01,26"), rejects=tmp_path / "file" / "x"
    )

    assert run.status == ExitStatus.CONFIGURATION
    assert "rejected entries cannot be written there" in run.warned[-1]


def test_the_rejects_of_standard_input_go_to_the_state_folder(site: Site, api: Api, tmp_path: Path) -> None:
    rows = f"{HEADER}007,2026-01-01,X,26\n".encode()

    for _ in range(2):
        run = Run(stdin=rows)
        assert run.start(site.variables, "-") == ExitStatus.REJECTED

    first, second = sorted((site.state_dir / "rejected").iterdir())
    assert read_rejects(first)[0]["_rejected"] == read_rejects(second)[0]["_rejected"]
    assert first.stat().st_mode & 0o777 == 0o600
    assert run.warned[0] == f"standard input:2: hours: {TOO_MANY}"


def test_only_the_first_rejected_entries_are_printed(api: Api, tmp_path: Path) -> None:
    run = run_client(api.variables, write_csv(tmp_path / "a.csv", *["2026-01-01,26"] * 50))

    assert len(run.warned) == 22
    assert run.warned[20].endswith("a.csv: 30 more were rejected")


def test_a_truncated_file_is_unreadable_after_the_stored_entries(api: Api, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"user_id": "007", "hours": 1}, {"user')
    run = run_client(api.variables, tmp_path / "a.json", batch_size=1)

    assert run.status == ExitStatus.UNREADABLE
    assert "a.json[1]: unterminated string" in run.warned[-1]


def test_after_a_temporary_failure_no_other_file_is_sent(api: Api, tmp_path: Path) -> None:
    api.troubles += [Reply(status=503)]
    first, second = write_days(tmp_path / "a.csv", 2), write_days(tmp_path / "b.csv", 3)

    assert Run().start(api.variables, first, second, retries=0) == ExitStatus.TEMPORARY
    assert len(api.requests) == 1


def test_a_failed_upload_reports_how_many_entries_are_stored(api: Api, tmp_path: Path) -> None:
    file = write_days(tmp_path / "a.csv", 25)
    api.troubles += ["fine", "fine", Reply(status=503)]
    run = run_client(api.variables, file, batch_size=10, retries=0)

    assert run.status == ExitStatus.TEMPORARY
    assert run.warned[0] == (
        f"{file}: 20 of its entries are on the server; sending the whole file again creates no duplicates"
    )


def test_json_is_one_object_and_nothing_else(api: Api, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", "2026-01-02,26")
    run = run_client(api.variables, file, tmp_path / "nope.csv", is_json=True)

    [line] = run.written
    document = json.loads(line)
    assert document["files"][0].pop("seconds") >= 0
    counts = {"entries": 2, "created": 1, "existing": 0, "rejected": 1, "uploads": [1]}
    named = {"file": str(file), "rejects": f"{file}.rejected.ndjson"}
    assert document == {"files": [counts | named], "exit": 66}


def test_json_contains_the_message_of_the_one_entry(site: Site) -> None:
    run = run_client(site.variables, is_json=True)

    assert json.loads(run.written[0]) == {"files": [], "message": MESSAGE, "exit": 0}


def test_strict_stores_a_file_as_a_whole(api: Api, tmp_path: Path) -> None:
    status = Run().start(api.variables, write_days(tmp_path / "a.csv", 25), batch_size=10, is_strict=True)

    assert status == ExitStatus.DONE
    assert [len(batch) for batch in api.batches] == [25]
    assert api.requests[0].path.endswith("?atomic=true&label=a.csv")


@pytest.mark.parametrize(
    ("rows", "rejected"),
    [
        pytest.param(["2026-01-02,26"], 1, id="refused"),
        pytest.param(["02/01/2026,1"], 1, id="unreadable"),
        pytest.param(["x,1", "2026-01-02,26"], 2, id="both"),
    ],
)
def test_strict_stores_nothing_if_an_entry_is_rejected(
    api: Api, tmp_path: Path, rows: list[str], rejected: int
) -> None:
    file = write_csv(tmp_path / "a.csv", "2026-01-01,1", *rows, "2026-01-03,1")
    run = run_client(api.variables, file, is_strict=True)

    assert (run.status, api.stored) == (ExitStatus.REJECTED, {})
    assert len(read_rejects(tmp_path / "a.csv.rejected.ndjson")) == rejected
    assert f"{2 + rejected} entries, 0 created, 0 already there, {rejected} rejected" in run.written[0]
    assert any("nothing was stored (--strict)" in line for line in run.warned)


def test_a_suspicious_file_is_stored_with_one_warning_and_refused_by_strict(api: Api, tmp_path: Path) -> None:
    file = write_days(tmp_path / "a.csv", 5)
    file.write_text(file.read_text().rstrip())
    strict = run_client(api.variables, file, is_strict=True)
    assert (strict.status, api.stored) == (ExitStatus.REJECTED, {})
    assert "no line ending" in strict.warned[0]
    assert "nothing was stored (--strict)" in strict.warned[1]

    run = run_client(api.variables, file)

    assert (run.status, len(api.stored)) == (ExitStatus.DONE, 5)
    assert run.warned == [f"{file}: warning: the last line has no line ending; was the file cut?"]


@pytest.mark.parametrize(
    ("count", "project"),
    [pytest.param(10_001, "X", id="entries"), pytest.param(9_000, "X" * 1_000, id="bytes")],
)
def test_strict_refuses_a_file_that_exceeds_one_request(
    site: Site, api: Api, tmp_path: Path, count: int, project: str
) -> None:
    (tmp_path / "a.csv").write_text(HEADER + f"007,2026-01-01,{project},1\n" * count)
    run = run_client(site.variables, tmp_path / "a.csv", is_strict=True)

    assert run.status == ExitStatus.USAGE
    assert site.received == []
    assert "nothing was sent; split the file" in run.warned[0]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(signal.SIGINT, ExitStatus.INTERRUPTED, id="SIGINT"),
        pytest.param(signal.SIGTERM, ExitStatus.TERMINATED, id="SIGTERM"),
    ],
)
def test_a_signal_lets_the_batch_in_flight_finish(
    api: Api, tmp_path: Path, number: signal.Signals, expected: ExitStatus
) -> None:
    run = Run()
    api.troubles.append(lambda: run.signals.receive(number, None))

    status = run.start(api.variables, write_days(tmp_path / "a.csv", 25), batch_size=10)

    assert status == expected
    assert len(api.stored) == 10
    assert "10 of its entries are on the server" in run.warned[0]


def test_a_token_that_the_api_echoes_in_errors_is_not_printed(site: Site, tmp_path: Path) -> None:
    item = {"index": 0, "status": 422, "errors": {"hours": [f"sent: {site.token}"]}}
    site.replies["/timesheets/upload"] = Reply(
        status=207, body={"received": 1, "created": 0, "existing": 0, "rejected": 1, "entries": [item]}
    )
    run = run_client(site.variables, write_csv(tmp_path / "a.csv", "2026-01-01,1"))

    assert site.token[:40] not in "".join(run.warned)
    assert site.token[:40] not in (tmp_path / "a.csv.rejected.ndjson").read_text()
