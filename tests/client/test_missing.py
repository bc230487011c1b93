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


def test_those_without_enough_hours_are_problems_and_end_the_run_with_65(site: Site) -> None:
    reply = answer([MISSING, {**SHORT, "client": "a", "organization": "b"}, COMPLETE])
    warned = [
        f"{PAST}: 008: missing, 0.00 of 20.00 hours",
        f"{PAST}: 007, a, b: short, 32.50 of 40.00 hours",
    ]

    run, silent = find_missing(site, reply), find_missing(site, reply, verbosity=0)

    assert (run.status, run.warned, run.written) == (65, warned, [f"{PAST}: 009: complete, 8.00 hours"])
    assert (silent.status, silent.warned, silent.written) == (65, warned, [])


@pytest.mark.parametrize(
    ("people", "written"),
    [
        ([COMPLETE], [f"{PAST}: 009: complete, 8.00 hours"]),
        ([OPEN], [f"{PAST}: 008: open, 0.00 of 20.00 hours"]),
        ([], []),
        (None, [f"{PAST}: the API keeps no list of assignments, so no employee can be missing"]),
    ],
    ids=["complete", "open", "empty", "no-list"],
)
def test_nobody_has_to_act(site: Site, people: Any, written: list[str]) -> None:
    run, in_json = find_missing(site, answer(people)), find_missing(site, answer(people), is_json=True)

    assert (run.status, run.written, run.warned) == (ExitStatus.DONE, written, [])
    assert json.loads(in_json.written[0])["missing"] == {"week": PAST, "people": people}


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


def test_a_real_api_and_a_week_that_it_refuses(site: Site, api: Api, issuer: Issuer) -> None:
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

    past, *others = (find_missing(site, week=name) for name in (PAST, future, "2026-W54", ""))

    assert (past.status, past.warned) == (65, [f"{PAST}: 007: missing, 0.00 of 8.00 hours"])
    assert [(run.status, run.written) for run in others] == [(2, [])] * 3
    assert others[0].warned == [f"--missing {future}: 400 invalid_parameter: week: This week has not begun"]
    assert others[1].warned == [
        "--missing 2026-W54: 400 invalid_parameter: week: Send a week, such as 2026-W47"
    ]
