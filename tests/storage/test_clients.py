"""What operators decide about clients: names, organizations and stops."""

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from tests.kit.issuer import Issuer
from tests.storage.entries import PAYROLL, RECEIVED_AT, ingest, list_outcomes, make_entry, own
from tests.storage.runs import pay
from timesheets.models import AssignmentList, Client, ClientStop, Run, RunLine, Timesheet
from timesheets.storage.assignments import find_newest_list
from timesheets.storage.entries import Outcome
from timesheets.storage.queries import TimesheetQuery, list_timesheets
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import find_run
from timesheets.trust.principals import MachineClient

NEW_ISSUER = "https://login.example.com/"
OLD_ISSUER = PAYROLL.issuer
ACME, GLOBEX = (replace(PAYROLL, organization=name) for name in ("org_acme", "org_globex"))

pytestmark = pytest.mark.usefixtures("database")


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("clients", *arguments, stdout=output)
    return output.getvalue()


def list_names() -> list[tuple[str, str, str]]:
    return sorted(Client.objects.values_list("issuer", "client_id", "organization"))


def refuse(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    return refused.value.returncode, str(refused.value)


@pytest.mark.parametrize("count", [1, 2])
def test_organizations_of_one_application_are_clients_of_their_own(count: int) -> None:
    entries = [make_entry(f"{number}") for number in range(count)]
    changed = [entry._replace(hours=entry.hours + 1) for entry in entries]

    verdicts = [ingest(*entries, client=ACME), ingest(*changed, client=GLOBEX)]

    assert [list_outcomes(each) for each in verdicts] == [[Outcome.CREATED] * count] * 2
    assert list_outcomes(ingest(*entries, client=ACME)) == [Outcome.EXISTING] * count
    page = list_timesheets(own(GLOBEX), TimesheetQuery(), 10)
    assert [row.entry.hours for row in page.timesheets] == [entry.hours for entry in changed]


def test_the_clients_are_listed(caplog: pytest.LogCaptureFixture) -> None:
    ingest(make_entry("1"), make_entry("2"))
    ingest(make_entry("1"), client=ACME)

    header, *rows = run().splitlines()

    assert header.split() == ["issuer", "client", "organization", "entries", "last_received_at"]
    assert [row.split() for row in rows] == [
        [OLD_ISSUER, "payroll", "2", "2017-05-12T06:00:00.123456+00:00"],
        [OLD_ISSUER, "payroll", "org_acme", "1", "2017-05-12T06:00:00.123456+00:00"],
    ]
    assert json.loads(run("--json"))[1] == {
        "issuer": OLD_ISSUER,
        "client": "payroll",
        "organization": "org_acme",
        "entries": 1,
        "last_received_at": "2017-05-12T06:00:00.123456+00:00",
    }


def test_a_file_that_is_sent_again_after_a_move_is_not_stored_twice() -> None:
    reporting = replace(PAYROLL, client_id="reporting")
    for client in (PAYROLL, ACME, reporting):
        ingest(make_entry("1"), client=client)
    ClientStop.objects.create(issuer=OLD_ISSUER, client_id="payroll", is_stopped=True, decided_at=RECEIVED_AT)
    AssignmentList.objects.create(**ACME.key._asdict(), content="user_id\n", decided_at=RECEIVED_AT)

    assert "Would move" in run("move", OLD_ISSUER, NEW_ISSUER, "--dry-run")
    assert {name[0] for name in list_names()} == {OLD_ISSUER}
    output = run("move", OLD_ISSUER, NEW_ISSUER)

    assert output.splitlines()[1] == (f"Moved {OLD_ISSUER} payroll org_acme -> {NEW_ISSUER} payroll org_acme")
    assert find_newest_list(ACME.key._replace(issuer=NEW_ISSUER)) is not None
    assert [stop.issuer for stop in ClientStop.objects.all()] == [NEW_ISSUER]
    for client in (PAYROLL, ACME, reporting):
        assert list_outcomes(ingest(make_entry("1"), client=replace(client, issuer=NEW_ISSUER))) == [
            Outcome.EXISTING
        ]


def test_a_client_alone_gets_another_id_or_an_organization() -> None:
    ingest(make_entry("1"))
    ingest(make_entry("1"), client=ACME)

    run("move", OLD_ISSUER, OLD_ISSUER, "--client", "payroll", "--to-organization", "org_globex")
    run("move", OLD_ISSUER, NEW_ISSUER, "--client", "payroll", "--to", "wages")

    assert list_names() == [(NEW_ISSUER, "wages", "org_acme"), (NEW_ISSUER, "wages", "org_globex")]
    assert Timesheet.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        pytest.param(["https://other/", NEW_ISSUER], 65, "No such client", id="no-client"),
        pytest.param([OLD_ISSUER, OLD_ISSUER], 65, "exist already: payroll, payroll for org_acme", id="same"),
        pytest.param(
            [OLD_ISSUER, OLD_ISSUER, "--client", "payroll", "--to-organization", "org_acme"],
            65,
            "exist already: payroll for org_acme",
            id="organization-has-entries",
        ),
        pytest.param([OLD_ISSUER, NEW_ISSUER, "--to", "wages"], 2, "need --client", id="which-client"),
        pytest.param([OLD_ISSUER, NEW_ISSUER, "--to-organization", "o"], 2, "need --client", id="which-org"),
    ],
)
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["move", "dry-run"])
def test_a_move_that_could_mix_histories_renames_nothing(
    arguments: list[str], status: int, reason: str, dry_run: list[str]
) -> None:
    ingest(make_entry("1"))
    ingest(make_entry("1"), client=ACME)
    before = list_names()

    found, message = refuse("move", *arguments, *dry_run)

    assert (found, list_names()) == (status, before)
    assert reason in message


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["move", "dry-run"])
def test_a_client_that_was_paid_keeps_its_id(dry_run: list[str]) -> None:
    ingest(make_entry("1"))
    later = make_entry("1", date=RECEIVED_AT.replace(year=2018))
    ingest(later, client=replace(PAYROLL, client_id="unpaid"))
    pay("2017", "2017-12-31")

    status, message = refuse("move", OLD_ISSUER, NEW_ISSUER, "--client", "payroll", "--to", "wages", *dry_run)

    assert (status, "Runs have lines of payroll." in message) == (65, True)
    run("move", OLD_ISSUER, NEW_ISSUER, "--client", "unpaid", "--to", "other", *dry_run)
    run("move", OLD_ISSUER, NEW_ISSUER, "--client", "payroll", *dry_run)


def test_the_lines_of_runs_follow_a_client_to_its_organization() -> None:
    ingest(make_entry("1"))
    ingest(make_entry("1"), client=ACME)
    pay("2017", "2017-12-31")
    sha256 = Run.objects.get().sha256

    run("move", OLD_ISSUER, OLD_ISSUER, "--client", "payroll", "--to-organization", "org_globex")

    assert [find_run(Reach(own=client.key), "2017") is None for client in (PAYROLL, ACME, GLOBEX)] == [
        True,
        False,
        False,
    ]
    assert sha256 in pay("2017", "2017-12-31")
    assert "lines  hours  held" in pay("2018", "2017-12-31")
    assert RunLine.objects.count() == 2


def test_a_stop_says_who_decided_it_and_when() -> None:
    output = run("stop", "stolen")

    assert "the API refuses the tokens of stolen of" in output
    assert "Check that it is right." in output
    decision = ClientStop.objects.get()
    assert decision.is_stopped
    assert decision.decided_by
    run("start", "stolen")
    assert [row.is_stopped for row in ClientStop.objects.order_by("id")] == [True, False]


def get(browser: Browser, token: str) -> tuple[int, str]:
    response = browser.get("/timesheets", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, response.json().get("code", "")


def test_the_tokens_of_a_stopped_client_are_refused_in_every_organization(issuer: Issuer) -> None:
    browser = Browser()
    run("stop", "stolen")

    of_the_client: list[dict[str, Any]] = [{}, {"org_id": "org_acme"}, {"scope": "something:else"}]
    for claims in of_the_client:
        token = issuer.mint(**{"azp": "stolen", "scope": "read:timesheets", **claims})
        assert get(browser, token) == (403, "client_stopped")
    assert get(browser, issuer.mint(scope="read:timesheets"))[0] == 200


def test_an_organization_waits_until_its_entries_are_assigned(issuer: Issuer) -> None:
    def store(**client: Any) -> None:
        ingest(make_entry("1"), client=MachineClient(issuer=issuer.url, subject=None, **client))

    def ask(client: str) -> tuple[int, str]:
        return get(browser, issuer.mint(azp=client, org_id="org_acme", scope="read:timesheets"))

    browser = Browser()
    store(client_id="undecided")
    store(client_id="decided")
    store(client_id="decided", organization="org_acme")
    store(client_id="moved")
    run("move", issuer.url, issuer.url, "--client", "moved", "--to-organization", "org_acme")

    assert ask("undecided") == (403, "organization_unassigned")
    assert [ask(client)[0] for client in ("decided", "moved", "new")] == [200, 200, 200]
    assert get(browser, issuer.mint(azp="undecided", scope="read:timesheets"))[0] == 200
