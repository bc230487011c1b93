"""What --download writes, and how an interrupted download continues."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.api import Api
from tests.client.conftest import Received, Reply, Site
from tests.client.runs import Run
from timesheets_client.errors import ExitStatus
from timesheets_client.reading.inputs import Format

HEADER = "entry_id,user_id,date,project,hours\n"
SINCE = "2026-06-01"
PROJECTS = ('a,b;"c"\t', "=1+1", "@x", "+1", "-1", "'=1", "sep=;", "Zoë 日本 \u2028x", "007", "1e5", "true")


def download(site: Site, file: Path, **options: Any) -> tuple[ExitStatus, Run]:
    run = options.pop("run", None) or Run()
    return run.start(site.variables, **{"download": file, "since": SINCE, "retries": 0, **options}), run


def list_parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def is_page(received: Received) -> bool:
    return "as_of=" in received.path and "current=" in received.path


def test_the_current_entries_of_a_date_and_later_are_written(site: Site, api: Api, tmp_path: Path) -> None:
    api.grant("read:timesheets")
    api.store("early", 8, date="2026-05-31")
    api.store("a", 7.5)
    api.store("corrected", 4, 5.25)
    api.store("withdrawn", 4, 0)
    api.store("restored", 4, 0, 0.1)

    status, run = download(site, tmp_path / "june.csv")

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert (tmp_path / "june.csv").read_text("utf-8-sig") == (
        f"{HEADER}a,007,2026-06-01T00:00:00Z,X,7.5\n"
        "corrected,007,2026-06-01T00:00:00Z,X,5.25\n"
        "restored,007,2026-06-01T00:00:00Z,X,0.1\n"
    )
    assert run.written[0].startswith(f"{tmp_path}/june.csv: 3 entries since 2026-06-01 in ")
    assert list_parts(tmp_path) == ["june.csv"]
    assert (tmp_path / "june.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["june.csv", "june.ndjson"])
def test_correct_finds_no_difference_in_a_download(site: Site, api: Api, tmp_path: Path, name: str) -> None:
    for number, project in enumerate(PROJECTS):
        api.store(f"p{number}", 0.01 * (number + 1), project=project.strip(), user_id=project.strip())
    api.store("time", 24, date="2026-06-03T17:40:20.095123Z")
    rows = list(api.rows)
    download(site, tmp_path / name)

    run = Run()
    status = run.start(site.variables, tmp_path / name, is_correction=True, reason="late")

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert "12 entries, 0 created, 0 corrected, 12 already there" in run.written[-1]
    assert api.rows == rows


@pytest.mark.parametrize(
    ("name", "chosen", "first"),
    [
        ("a.NDJSON", Format.AUTO, b'{"entry_id"'),
        ("a.txt", Format.CSV, b"\xef\xbb\xbfentry_id"),
        ("a.csv", Format.NDJSON, b'{"entry_id"'),
    ],
)
def test_the_format_is_that_of_the_name_or_the_chosen_one(
    site: Site, api: Api, tmp_path: Path, name: str, chosen: Format, first: bytes
) -> None:
    api.store("a", 1)

    download(site, tmp_path / name, format=chosen)

    assert (tmp_path / name).read_bytes().startswith(first)


def test_a_download_can_be_empty(site: Site, api: Api, tmp_path: Path) -> None:
    status, run = download(site, tmp_path / "june.csv", run=Run(is_json=True))

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert (tmp_path / "june.csv").read_text("utf-8-sig") == HEADER
    shown = json.loads(run.written[0])["download"]
    assert (shown["file"], shown["since"], shown["entries"]) == (f"{tmp_path}/june.csv", SINCE, 0)


def test_an_entry_without_an_id_has_an_empty_cell_or_no_member(site: Site, api: Api, tmp_path: Path) -> None:
    api.store(None, 2)

    download(site, tmp_path / "june.csv")
    download(site, tmp_path / "june.ndjson")

    assert (tmp_path / "june.csv").read_text().endswith("\n,007,2026-06-01T00:00:00Z,X,2\n")
    assert [*json.loads((tmp_path / "june.ndjson").read_text())] == ["user_id", "date", "project", "hours"]


def test_a_correction_during_the_download_is_not_seen(site: Site, api: Api, tmp_path: Path) -> None:
    for entry_id in "abcd":
        api.store(entry_id, 1)
    before_page(site, api, 2, lambda: correct(api, "d"))

    download(site, tmp_path / "june.csv", batch_size=1)

    assert read_ids(tmp_path / "june.csv") == [*"abcd"]
    assert (tmp_path / "june.csv").read_text().endswith("d,007,2026-06-01T00:00:00Z,X,1\n")


def correct(api: Api, entry_id: str) -> None:
    api.add({"entry_id": entry_id, "hours": 9, "revision": 2, "reason": "late"})


def read_ids(file: Path) -> list[str]:
    return [line.partition(",")[0] for line in file.read_text().splitlines()[1:]]


def before_page(site: Site, api: Api, number: int, act: Callable[[], Any]) -> None:
    """Call `act` before the page with this number, from 1 on, and answer what it returns if it is a reply."""
    pages = 0

    def answer(received: Received) -> Reply:
        nonlocal pages
        pages += is_page(received)
        outcome = act() if is_page(received) and pages == number else None
        return outcome if isinstance(outcome, Reply) else api.answer(received)

    site.replies["/timesheets"] = answer


@pytest.fixture
def letters(api: Api) -> Api:
    api.add(*({"entry_id": entry_id} for entry_id in "abcdef"))
    api.requests.clear()
    return api


def complete(site: Site, file: Path) -> bytes:
    """The bytes of a download that was not interrupted."""
    download(site, file, batch_size=2)
    return file.read_bytes()


@pytest.mark.parametrize(("name", "number"), [("june.csv", 2), ("june.csv", 3), ("june.ndjson", 2)])
def test_a_failed_download_continues_where_it_stopped(
    site: Site, letters: Api, tmp_path: Path, name: str, number: int
) -> None:
    expected = complete(site, tmp_path / f"whole-{name}")
    before_page(site, letters, number, lambda: Reply(status=503))
    failed, run = download(site, tmp_path / name, batch_size=2)
    correct(letters, "f")
    letters.store("new", 1)
    letters.requests.clear()
    site.replies["/timesheets"] = letters.answer

    status, again = download(site, tmp_path / name, batch_size=2)

    assert (failed, status) == (ExitStatus.TEMPORARY, ExitStatus.DONE)
    entries = 2 * (number - 1)
    assert run.warned[0] == (
        f"{tmp_path}/{name}: {entries} of its entries are in {name}.part; the same command continues there"
    )
    assert (tmp_path / name).read_bytes() == expected
    assert again.written[0] == f"{tmp_path}/{name}: continued after {entries} entries"
    assert ": 6 entries since" in again.written[1]
    assert len(letters.requests) == 4 - number
    assert list_parts(tmp_path) == [name, f"whole-{name}"]


def test_what_follows_the_last_checkpoint_is_cut_off(site: Site, letters: Api, tmp_path: Path) -> None:
    expected = complete(site, tmp_path / "whole.csv")
    before_page(site, letters, 3, lambda: Reply(status=503))
    download(site, tmp_path / "june.csv", batch_size=2)
    part = tmp_path / "june.csv.part"
    # As if it was killed while it wrote.
    part.write_bytes(part.read_bytes() + b"e,007")

    status, run = download(site, tmp_path / "june.csv", batch_size=2)

    assert status == ExitStatus.DONE
    assert "continued after 4 entries" in run.written[0]
    assert (tmp_path / "june.csv").read_bytes() == expected


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"007", b"008", 1))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize(
    ("change", "options"),
    [
        pytest.param(lambda _: None, {"since": "2026-05-31"}, id="another date"),
        pytest.param(lambda _: None, {"format": Format.NDJSON}, id="another format"),
        pytest.param(lambda folder: damage(folder / "june.csv.part"), {}, id="a changed file"),
        pytest.param(lambda folder: truncate(folder / "june.csv.part"), {}, id="a cut file"),
        pytest.param(lambda folder: (folder / "june.csv.checkpoint.part").unlink(), {}, id="no checkpoint"),
        pytest.param(
            lambda folder: (folder / "june.csv.checkpoint.part").write_bytes(b"[" * 90_000 + b"\n"),
            {},
            id="a damaged checkpoint",
        ),
    ],
)
def test_a_download_that_cannot_be_continued_starts_again(
    site: Site,
    letters: Api,
    tmp_path: Path,
    change: Callable[[Path], object],
    options: dict[str, Any],
) -> None:
    download(site, tmp_path / "whole.csv", **options)
    before_page(site, letters, 2, lambda: Reply(status=503))
    download(site, tmp_path / "june.csv", batch_size=2)
    change(tmp_path)

    status, run = download(site, tmp_path / "june.csv", batch_size=2, **options)

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert "continued" not in run.written[0]
    assert (tmp_path / "june.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_another_client_does_not_continue_a_download(site: Site, letters: Api, tmp_path: Path) -> None:
    before_page(site, letters, 2, lambda: Reply(status=503))
    download(site, tmp_path / "june.csv", batch_size=2)
    run = Run()

    other = site.variables | {"AUTH0_CLIENT_ID": "other"}
    run.start(other, download=tmp_path / "june.csv", since=SINCE, retries=0)

    assert "continued" not in run.written[0]


def test_a_state_that_the_api_has_lost_is_a_configuration_error(
    site: Site, letters: Api, tmp_path: Path
) -> None:
    before_page(site, letters, 2, lambda: Reply(status=503))
    download(site, tmp_path / "june.csv", batch_size=2)
    letters.lose_last(2)

    status, run = download(site, tmp_path / "june.csv")

    assert status == ExitStatus.CONFIGURATION
    assert "the API no longer has the state of entry 6" in run.warned[1]
    assert "june.csv.part" in list_parts(tmp_path)


@pytest.mark.parametrize("headers", [{}, {"Timesheets-As-Of": "-1"}, {"Timesheets-As-Of": "6, 7"}])
def test_an_api_that_names_no_state_is_a_configuration_error(
    site: Site, api: Api, tmp_path: Path, headers: dict[str, str]
) -> None:
    site.replies["/timesheets"] = Reply(status=200, body={"results": [], "next": None}, headers=headers)

    status, run = download(site, tmp_path / "june.csv")

    assert status == ExitStatus.CONFIGURATION
    assert run.warned == ["/timesheets: the answer names no state; this needs a later version of the API"]


def test_a_token_that_may_not_read_sends_nothing(site: Site, api: Api, tmp_path: Path) -> None:
    api.grant("batch:upload correct:timesheets")
    part = tmp_path / "june.csv.part"
    part.write_text("another")

    status, run = download(site, tmp_path / "june.csv")

    assert (status, api.requests) == (ExitStatus.REFUSED, [])
    # Another download may continue there.
    assert part.read_text() == "another"
    assert list_parts(tmp_path) == ["june.csv.part"]
    assert "lacks the scope read:timesheets (its scopes: batch:upload correct:timesheets)" in run.warned[0]


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_that_exists_is_not_replaced(site: Site, api: Api, tmp_path: Path, is_link: bool) -> None:
    file = tmp_path / "june.csv"
    if is_link:
        file.symlink_to(tmp_path / "elsewhere.csv")
    else:
        file.write_text("edited")

    status, run = download(site, file)

    assert (status, api.requests) == (ExitStatus.USAGE, [])
    assert run.warned == [f"--download: {file} exists already; remove it, or name another file"]
    assert list_parts(tmp_path) == ([] if is_link else ["june.csv"])


@pytest.mark.parametrize("name", ["june.csv.part", "june.csv.checkpoint.part"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_nothing_is_written_through_what_is_no_file(
    site: Site, api: Api, tmp_path: Path, name: str, kind: str
) -> None:
    api.store("a", 1)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    make = {"link": lambda path: path.symlink_to(victim), "pipe": os.mkfifo, "folder": Path.mkdir}
    make[kind](tmp_path / name)

    status, run = download(site, tmp_path / "june.csv")

    assert victim.read_text() == "precious"
    if "checkpoint" in name and kind != "folder":
        # It is replaced.
        assert (status, list_parts(tmp_path)) == (ExitStatus.DONE, ["june.csv", "victim"])
    else:
        assert status == ExitStatus.CONFIGURATION
        assert "entries cannot be written there" in run.warned[0]
        assert not (tmp_path / "june.csv").exists()


def test_nobody_else_can_read_a_part_that_was_there_before(site: Site, api: Api, tmp_path: Path) -> None:
    api.store("a", 1)
    (tmp_path / "june.csv.part").touch(0o644)

    download(site, tmp_path / "june.csv")

    assert (tmp_path / "june.csv").stat().st_mode & 0o777 == 0o600


def test_two_runs_do_not_write_one_file(site: Site, letters: Api, tmp_path: Path) -> None:
    second: list[tuple[ExitStatus, Run]] = []
    before_page(site, letters, 2, lambda: second.append(download(site, tmp_path / "june.csv")))

    status, _ = download(site, tmp_path / "june.csv", batch_size=2)

    [(busy, run)] = second
    assert (status, busy) == (ExitStatus.DONE, ExitStatus.TEMPORARY)
    assert "june.csv: another run works on this" in run.warned[0]
    assert read_ids(tmp_path / "june.csv") == [*"abcdef"]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"hours": 0}, id="a withdrawn entry"),
        pytest.param({"hours": 24.01}, id="more hours than a day has"),
        pytest.param({"superseded_by": 6}, id="a superseded entry"),
        pytest.param({"id": 0}, id="an id that does not ascend"),
        pytest.param({"id": 7}, id="an id of a later state"),
        pytest.param({"date": "2026-05-30T23:59:59Z"}, id="an earlier day in every time zone"),
        pytest.param({"date": "2026-06-01"}, id="a date without a time"),
        pytest.param({"entry_id": "\x1b[2J"}, id="an escape sequence"),
        pytest.param({"project": "X" * 129}, id="a longer text than the API takes"),
        pytest.param({"project": "\ud800"}, id="half a character"),
    ],
)
def test_a_row_that_was_not_asked_for_is_not_written(
    site: Site, letters: Api, tmp_path: Path, row: dict[str, Any]
) -> None:
    page = {"results": [{**letters.rows[0], **row}], "next": None}
    before_page(site, letters, 1, lambda: Reply(status=200, body=page))

    status, run = download(site, tmp_path / "june.csv")

    assert status == ExitStatus.CONFIGURATION
    assert "this is not a response from the Timesheets API" in run.warned[0]
    assert not (tmp_path / "june.csv").exists()


def test_a_date_begins_at_midnight_in_the_time_zone_of_the_api(
    site: Site, letters: Api, tmp_path: Path
) -> None:
    page = {"results": [{**letters.rows[0], "date": "2026-05-31T10:00:00Z"}], "next": None}
    before_page(site, letters, 1, lambda: Reply(status=200, body=page))

    of_a_day, _ = download(site, tmp_path / "june.csv")
    before_page(site, letters, 1, lambda: Reply(status=200, body=page))
    of_a_time, _ = download(site, tmp_path / "later.csv", since="2026-05-31T10:00:01+00:00")

    assert (of_a_day, of_a_time) == (ExitStatus.DONE, ExitStatus.CONFIGURATION)


def test_an_entry_id_is_not_written_twice(site: Site, letters: Api, tmp_path: Path) -> None:
    rows = [{**make_row(), "id": number, "entry_id": each} for number, each in enumerate("cb", 3)]
    before_page(site, letters, 2, lambda: Reply(status=200, body={"results": rows, "next": None}))
    status, run = download(site, tmp_path / "june.csv", batch_size=2)

    assert status == ExitStatus.CONFIGURATION
    assert "this is not a response from the Timesheets API" in run.warned[1]
    assert not (tmp_path / "june.csv").exists()


def make_row() -> dict[str, Any]:
    return {"user_id": "007", "date": "2026-06-01T00:00:00Z", "project": "X", "hours": 1}
