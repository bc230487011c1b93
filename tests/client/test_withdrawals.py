"""What --withdraw withdraws, and what it leaves alone."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.client.api import ALL_SCOPES, Api
from tests.client.conftest import Received, Reply, Site
from tests.client.runs import Run
from timesheets_client.errors import ExitStatus

# Created the entries a, b and c.
UPLOAD = 2


@pytest.fixture(autouse=True)
def uploaded(api: Api) -> None:
    api.store("other", 1)
    api.add(*({"entry_id": entry_id, "hours": 2} for entry_id in "abc"), label="week23.csv")


def withdraw(site: Site, upload: int = UPLOAD, **options: Any) -> tuple[ExitStatus, Run]:
    run = options.pop("run", None) or Run()
    return run.start(
        site.variables, withdrawal=upload, reason=options.pop("reason", "sent twice"), **options
    ), run


def test_what_an_upload_created_is_withdrawn_and_nothing_else(site: Site, api: Api) -> None:
    status, run = withdraw(site)

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert run.written[1].endswith(f" s; upload {UPLOAD + 1}")
    assert [api.revisions(each) for each in "abc"] == [[(2, None), (0, "sent twice")]] * 3
    assert api.revisions("other") == [(1, None)]
    assert re.fullmatch(rf"upload {UPLOAD}: week23\.csv, received 20\d\d-\S+Z", run.written[0])
    assert run.written[1].startswith(
        f"upload {UPLOAD}: 3 entries, 3 withdrawn, 0 already withdrawn, 0 not withdrawn in "
    )
    [batch] = api.batches
    assert batch[0] == {
        "user_id": "007",
        "date": "2026-06-01T00:00:00Z",
        "project": "X",
        "hours": 0,
        "entry_id": "a",
        "revision": 2,
        "reason": "sent twice",
    }


@pytest.mark.parametrize("reason", ["sent twice", "another reason"])
def test_a_second_run_adds_nothing(site: Site, api: Api, reason: str) -> None:
    withdraw(site)
    rows = list(api.rows)

    status, run = withdraw(site, reason=reason)

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert api.rows == rows
    assert "3 entries, 0 withdrawn, 3 already withdrawn, 0 not withdrawn" in run.written[1]


def test_a_run_that_was_killed_is_continued(site: Site, api: Api) -> None:
    api.troubles += [lambda: None, "lost"]

    status, run = withdraw(site, batch_size=1, retries=0)
    again, _ = withdraw(site, batch_size=2)

    assert (status, again) == (ExitStatus.TEMPORARY, ExitStatus.DONE)
    assert f"upload {UPLOAD}: 1 of its entries are withdrawn; " in run.warned[0]
    assert [len(api.revisions(each)) for each in "abc"] == [2, 2, 2]


def test_what_cannot_be_withdrawn_is_listed(site: Site, api: Api) -> None:
    corrected, withdrawn = ({"entry_id": "d", "hours": 2}, {"entry_id": "e", "hours": 2})
    again = {"revision": 2, "reason": "before"}
    api.add(corrected, corrected | again | {"hours": 3}, {}, withdrawn, withdrawn | again | {"hours": 0})

    status, run = withdraw(site, UPLOAD + 1)

    assert status == ExitStatus.REJECTED
    assert api.revisions("d") == [(2, None), (3, "before"), (0, "sent twice")]
    assert api.revisions("e") == [(2, None), (0, "before")]
    assert run.warned == [
        "upload 3: timesheet 6 (007, 2026-06-01T00:00:00Z): has no entry_id, so it can never be corrected"
    ]
    assert "3 entries, 1 withdrawn, 1 already withdrawn, 1 not withdrawn" in run.written[1]


@pytest.mark.parametrize(
    ("later", "is_withdrawn"),
    [
        pytest.param([3], False, id="corrected"),
        pytest.param([0, 3], False, id="withdrawn and restored"),
        pytest.param([3, 0], True, id="corrected and withdrawn"),
    ],
)
def test_what_was_corrected_since_stays(site: Site, api: Api, later: list[float], is_withdrawn: bool) -> None:
    for revision, hours in enumerate(later, 2):
        add_revision(api, "b", revision, hours)

    status, run = withdraw(site)

    assert [hours for hours, _ in api.revisions("b")] == [2, *later]
    if is_withdrawn:
        assert (status, run.warned) == (ExitStatus.DONE, [])
    else:
        assert status == ExitStatus.REJECTED
        [problem] = run.warned
        assert problem == (
            f"upload {UPLOAD}: timesheet 3 (007, 2026-06-01T00:00:00Z, b): was corrected since, so it stays; "
            "to withdraw it, send it with 0 hours and --correct"
        )


def add_revision(api: Api, entry_id: str, revision: int, hours: float, reason: str = "sent twice") -> None:
    api.add({"entry_id": entry_id, "hours": hours, "revision": revision, "reason": reason})


def test_a_correction_between_reading_and_sending_stays(site: Site, api: Api) -> None:
    api.troubles += [lambda: add_revision(api, "b", 2, 3, "theirs")]

    status, run = withdraw(site)

    assert status == ExitStatus.REJECTED
    assert api.revisions("b") == [(2, None), (3, "theirs")]
    assert "was corrected since" in run.warned[0]
    assert "2 withdrawn, 0 already withdrawn, 1 not withdrawn" in run.written[1]


def test_an_unknown_upload_is_missing_input(site: Site, api: Api) -> None:
    status, run = withdraw(site, 99)

    assert status == ExitStatus.UNREADABLE
    assert run.warned == [
        "--withdraw 99: the API has no such upload of this client; --uploads lists the latest"
    ]


def test_entries_that_are_not_listed_yet_end_the_run_before_anything_is_sent(site: Site, api: Api) -> None:
    site.replies[f"/uploads/{UPLOAD}"] = api.answer_with(created=4)

    status, run = withdraw(site)

    assert status == ExitStatus.TEMPORARY
    assert api.batches == []
    assert "it created 4 entries, and the API lists 3 of them" in run.warned[0]


def test_a_check_stores_nothing(site: Site, api: Api) -> None:
    rows = list(api.rows)
    run = Run(verbosity=2)

    status, _ = withdraw(site, is_check=True, run=run)

    assert (status, run.warned) == (ExitStatus.DONE, [])
    assert api.rows == rows
    assert run.written[7:-1] == [
        f"upload {UPLOAD}: timesheet {number} (007, 2026-06-01T00:00:00Z, {entry_id}): would be withdrawn"
        for number, entry_id in ((2, "a"), (3, "b"), (4, "c"))
    ]
    assert run.written[-1] == (
        f"upload {UPLOAD}: 3 entries, 3 would be withdrawn, 0 already withdrawn, 0 not withdrawn; "
        "nothing was stored (--check)"
    )


def test_json_reports_a_withdrawal(site: Site, api: Api) -> None:
    _, run = withdraw(site, run=Run(is_json=True))

    withdrawal = json.loads(run.written[0])["withdrawal"]
    assert withdrawal.pop("seconds") >= 0
    counts = {"entries": 3, "withdrawn": 3, "existing": 0, "rejected": 0}
    assert withdrawal == {"upload": UPLOAD, **counts, "uploads": [3]}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param({"results": [{"id": 1}], "next": None}, id="no entry"),
        pytest.param(
            {"results": [{"id": 1, "user_id": [], "date": "", "project": "", "hours": 1}], "next": None},
            id="a list for a text",
        ),
        pytest.param({"results": [], "next": "http://[/timesheets?cursor=1"}, id="no address"),
        pytest.param({"results": [], "next": "/timesheets?cursor=1"}, id="endless"),
        pytest.param({"results": [], "next": 7}, id="a number"),
        pytest.param(b"<html>", id="HTML"),
    ],
)
def test_a_page_of_another_server_is_a_configuration_error(
    site: Site, api: Api, page: dict[str, Any] | bytes
) -> None:
    site.replies["/timesheets"] = Reply(status=200, body=page)

    status, _ = withdraw(site)

    assert status == ExitStatus.CONFIGURATION
    assert api.batches == []


def test_a_token_that_reads_every_client_withdraws_nothing(site: Site, api: Api) -> None:
    api.grant(f"{ALL_SCOPES} read:all-timesheets")

    status, run = withdraw(site)

    assert (status, api.batches) == (ExitStatus.REFUSED, [])
    assert "get a token without that scope" in run.warned[0]


def test_pages_that_repeat_an_entry_never_end_in_a_loop(site: Site, api: Api) -> None:
    site.replies[f"/uploads/{UPLOAD}"] = api.answer_with(created=10_000)

    def repeat(received: Received) -> Reply:
        first = replace(received, path=received.path.partition("&cursor")[0])
        return api.answer_with(next=f"/timesheets?cursor=-{len(api.requests)}")(first)

    site.replies["/timesheets"] = repeat

    status, _ = withdraw(site)

    assert status == ExitStatus.CONFIGURATION
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("reply", "expected", "problem"),
    [
        pytest.param(
            Reply(status=400, body={"code": "invalid_parameter", "detail": "Unknown parameter."}),
            ExitStatus.CONFIGURATION,
            "this is not a response from the Timesheets API: 400 invalid_parameter: Unknown parameter",
            id="400",
        ),
        pytest.param(
            Reply(status=503), ExitStatus.TEMPORARY, "reading back not possible now: 503", id="unavailable"
        ),
    ],
)
def test_a_refusal_to_read_back_is_explained(
    site: Site, api: Api, reply: Reply, expected: ExitStatus, problem: str
) -> None:
    site.replies[f"/uploads/{UPLOAD}"] = reply

    status, run = withdraw(site, retries=0)

    assert status == expected
    [message] = run.warned
    assert problem in message


def test_texts_of_the_server_cannot_control_the_terminal(site: Site, api: Api) -> None:
    site.replies[f"/uploads/{UPLOAD}"] = api.answer_with(label=f"\x1b[2J\nforged {site.token}")
    rows = [{**row, "user_id": "\x1b[2J\nforged"} for row in api.rows[1:]]
    site.replies["/timesheets"] = api.answer_with(results=rows)

    _, run = withdraw(site, run=Run(verbosity=2))

    assert "".join(run.written).isprintable()
    assert site.token[:40] not in "".join(run.written)
