"""Whose hours are missing, as the API says and as --missing shows it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.client.api import Api
from tests.client.conftest import Reply, Site, mint_token, token_document
from tests.client.runs import Run, run_client
from tests.kit.issuer import Issuer
from timesheets.models import AssignmentList
from timesheets_client.errors import ExitStatus

PAST = "2017-W19"
MISSING = {"user_id": "008", "hours": "0.00", "expected": "20.00", "status": "missing"}
SHORT = {"user_id": "007", "hours": "32.50", "expected": "40.00", "status": "short"}
COMPLETE = {"user_id": "009", "hours": "8.00", "expected": None, "status": "complete"}
OPEN = {**MISSING, "status": "open"}


def answer(people: Any, **more: Any) -> Reply:
    week = {"week": PAST, "from": "2017-05-08", "to": "2017-05-14", "ended": True, "people": people}
    return Reply(status=200, body={**week, **more})


def find_missing(
    site: Site, reply: Reply | None = None, scope: str = "read:timesheets", **options: Any
) -> Run:
    if reply is not None:
        site.replies["/missing"] = reply
        site.replies["/oauth/token"] = Reply(status=200, body=token_document(mint_token(scope=scope)))
    return run_client(site.variables, missing_week=options.pop("week", PAST), **options)


def test_those_without_enough_hours_are_shown_first_and_end_the_run_with_65(site: Site) -> None:
    run = find_missing(site, answer([MISSING, SHORT, COMPLETE]))

    assert run.status == 65
    assert run.written == [
        "  user_id  hours  expected  status",
        "  008       0.00     20.00  missing",
        "  007      32.50     40.00  short",
        "  009       8.00            complete",
    ]
    assert run.warned == [f"{PAST}, 2017-05-08 to 2017-05-14: 1 missing, 1 short, 1 complete"]


def test_silent_runs_still_say_how_many_are_missing(site: Site) -> None:
    run = find_missing(site, answer([MISSING]), verbosity=0)
    good = find_missing(site, answer([COMPLETE]), verbosity=0)

    assert (run.written, len(run.warned), run.status) == ([], 1, 65)
    assert (good.output, good.status) == ("", 0)


@pytest.mark.parametrize(
    ("reply", "last_line"),
    [
        (answer([COMPLETE]), f"{PAST}, 2017-05-08 to 2017-05-14: 1 complete"),
        (
            answer([OPEN], ended=False),
            f"{PAST}, 2017-05-08 to 2017-05-14: 1 open; the week has not ended",
        ),
        (answer([]), f"{PAST}, 2017-05-08 to 2017-05-14: nobody is on the list"),
        (answer(None), f"{PAST}: the API keeps no list of assignments, so nobody is missing or short"),
    ],
    ids=["complete", "open", "empty", "no-list"],
)
def test_nobody_has_to_act(site: Site, reply: Reply, last_line: str) -> None:
    run = find_missing(site, reply)

    assert (run.status, run.written[-1], run.warned) == (ExitStatus.DONE, last_line, [])


def test_json_has_the_week_and_its_people(site: Site) -> None:
    run = find_missing(
        site, answer([{**MISSING, "client": "a", "organization": "b"}, COMPLETE]), is_json=True
    )

    [line] = run.written
    assert json.loads(line)["missing"] == {
        "week": PAST,
        "from": "2017-05-08",
        "to": "2017-05-14",
        "ended": True,
        "people": [{**MISSING, "client": "a", "organization": "b"}, COMPLETE],
    }


@pytest.mark.parametrize(
    ("scope", "status"),
    [("read:timesheets", 0), ("read:all-timesheets", 0), ("batch:upload correct:timesheets", 77)],
)
def test_a_scope_to_read_is_enough_and_required(site: Site, scope: str, status: int) -> None:
    assert find_missing(site, answer([]), scope=scope).status == status


def test_what_the_api_answers_is_escaped_and_holds_no_token(site: Site) -> None:
    token = mint_token(scope="read:timesheets")
    run = find_missing(site, answer([{**MISSING, "user_id": f"\x1b[31m{token}"}]))

    assert "\x1b" not in run.output
    assert token not in run.output


@pytest.mark.parametrize(
    "reply",
    [
        answer("x"),
        answer(["x"]),
        answer([{"user_id": "008"}]),
        Reply(status=200, body=b"[]"),
        Reply(status=200, body={"message": "hello"}),
        Reply(status=404, body={"code": "not_found"}),
        Reply(status=404, body=b"<html>"),
    ],
)
def test_another_server_or_an_older_api_is_a_configuration_error(site: Site, reply: Reply) -> None:
    run = find_missing(site, reply)

    assert run.status == ExitStatus.CONFIGURATION
    assert "/missing" in run.warned[0]


def test_a_real_api_and_a_week_that_has_not_begun(site: Site, api: Api, issuer: Issuer) -> None:
    # Processes remember lists for two seconds.
    name = f"lister-{uuid4()}"
    content = "user_id,project,from,to,hours_per_week\n007,,,,8\n"
    AssignmentList.objects.create(
        issuer=issuer.url, client_id=name, content=content, decided_at=datetime.now(UTC)
    )
    token = issuer.mint(azp=name, scope="read:timesheets")
    site.replies["/oauth/token"] = Reply(status=200, body=token_document(token))
    year, week, _ = (datetime.now(UTC) + timedelta(days=14)).isocalendar()
    future = f"{year}-W{week:02}"

    past, early = find_missing(site), find_missing(site, week=future)

    assert (past.status, past.written[-1].split()) == (65, ["007", "0.00", "8.00", "missing"])
    assert (early.status, early.written) == (2, [])
    assert early.warned == ["--missing: 400 invalid_parameter: week: This week has not begun"]
