"""Who is missing in a week, as the API, the page and the operator's command show it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.api.conftest import status_and_code
from tests.api.reading import Read
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry
from timesheets.formats.days import Week
from timesheets.models import AssignmentList

HEADER = "user_id,project,from,to,hours_per_week\n"
PAST = "2017-W19"
FUTURE = str(Week.of(datetime.now(UTC).date() + timedelta(days=14)))
# Processes remember the lists of a client that other tests upload for.
LISTER = f"lister-{uuid4()}"
Store = Callable[..., list[int]]
SetList = Callable[..., None]


@pytest.fixture
def set_list(issuer: Issuer, db: None) -> SetList:
    def add(*rows: str, client_id: str = LISTER, organization: str = "") -> None:
        AssignmentList.objects.create(
            issuer=issuer.url,
            client_id=client_id,
            organization=organization,
            content=HEADER + "\n".join(rows),
            decided_at=datetime.now(UTC),
        )

    return add


@pytest.fixture
def two_clients(set_list: SetList, store: Store) -> None:
    """One with a person who is missing and one who is short, and an organization with one who is complete."""
    set_list("007,,,,40", "008,,,,20")
    set_list("007,,,,5", client_id="agency", organization="org_1")
    store(make_entry(hours=Decimal("32.5")), client_id=LISTER)
    store(make_entry(hours=Decimal(5)), client_id="agency", organization="org_1")
    store(make_entry(), client_id="unlisted")


OWN = [
    {"user_id": "008", "hours": "0.00", "expected": "20.00", "status": "missing"},
    {"user_id": "007", "hours": "32.50", "expected": "40.00", "status": "short"},
]
EVERY = [
    *({**person, "client": LISTER} for person in OWN),
    {
        "user_id": "007",
        "hours": "5.00",
        "expected": "5.00",
        "status": "complete",
        "client": "agency",
        "organization": "org_1",
    },
]
EVERY_ROW = ["008,0.00,20.00,missing", "007,32.50,40.00,short", "007,5.00,5.00,complete"]


@pytest.mark.usefixtures("two_clients")
@pytest.mark.parametrize(
    ("scope", "chosen", "people"),
    [
        ("read:timesheets", "", OWN),
        ("read:all-timesheets", "", EVERY),
        ("read:all-timesheets", "&client=agency", EVERY[2:]),
        # The name of the client is random, and workers of pytest-xdist need the same ids.
        pytest.param("read:all-timesheets", f"&client=agency&client={LISTER}", EVERY, id="two-clients"),
    ],
)
def test_a_week_with_a_scope_to_read(
    read: Read, issuer: Issuer, scope: str, chosen: str, people: list[Any]
) -> None:
    response = read(f"/missing?week={PAST}{chosen}", token=issuer.mint(azp=LISTER, scope=scope))

    assert response.status_code == 200
    days = {"week": PAST, "from": "2017-05-08", "to": "2017-05-14"}
    assert response.json() == {**days, "ended": True, "people": people}


@pytest.mark.usefixtures("two_clients")
def test_csv_has_the_clients_only_for_a_reader_of_all(read: Read, issuer: Issuer) -> None:
    def read_csv(scope: str) -> list[str]:
        response = read(
            f"/missing?week={PAST}", token=issuer.mint(azp=LISTER, scope=scope), Accept="text/csv"
        )
        return response.content.decode().splitlines()

    header = "user_id,hours,expected,status"
    assert read_csv("read:timesheets") == [header, *EVERY_ROW[:2]]
    assert read_csv("read:all-timesheets") == [
        f"{header},client,organization",
        *(f"{row},{LISTER}," for row in EVERY_ROW[:2]),
        f"{EVERY_ROW[2]},agency,org_1",
    ]


@pytest.mark.parametrize("scope", ["read:timesheets", "read:all-timesheets"])
def test_without_a_list_people_is_null(read: Read, store: Store, issuer: Issuer, scope: str) -> None:
    store(make_entry(), client_id=LISTER)

    response = read(f"/missing?week={PAST}", token=issuer.mint(azp=LISTER, scope=scope))
    csv = read(f"/missing?week={PAST}", token=issuer.mint(azp=LISTER, scope=scope), Accept="text/csv")

    assert response.json()["people"] is None
    assert len(csv.content.decode().splitlines()) == 1


def test_a_new_list_and_the_current_week_are_shown_at_once(
    read: Read, set_list: SetList, issuer: Issuer
) -> None:
    token = issuer.mint(azp=LISTER, scope="read:timesheets")
    week = Week.of(datetime.now(UTC).date())
    people = []
    for rows in (["007,,,,"], ["007,,,,", "008,,,,"]):
        set_list(*rows)
        people.append(read(f"/missing?week={week}", token=token).json())

    # A test that runs at the end of a Sunday sees the week end.
    status = "missing" if people[0]["ended"] else "open"
    assert [[each["user_id"] for each in answer["people"]] for answer in people] == [["007"], ["007", "008"]]
    assert people[0]["people"][0]["status"] == status


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "week: This field is required."),
        ("?week=2017-19", "week: Send a week, such as 2026-W47."),
        ("?week=2017-W53", "week: Send a week, such as 2026-W47."),
        (f"?week={FUTURE}", "week: This week has not begun."),
        (f"?week={PAST}&week={PAST}", "week: Send it once."),
        (f"?week={PAST}&client=agency", "The only parameter is week."),
    ],
)
def test_a_week_that_cannot_be_shown_is_400(read: Read, query: str, problem: str) -> None:
    response = read(f"/missing{query}")

    assert status_and_code(response) == (400, "invalid_parameter")
    assert response.json()["detail"] == problem


def test_a_scope_to_read_is_required(read: Read, issuer: Issuer) -> None:
    response = read(f"/missing?week={PAST}", token=issuer.mint(scope="batch:upload"))

    assert status_and_code(response) == (403, "insufficient_scope")


def run(*words: str) -> tuple[str, int]:
    """What the command prints, and its exit status."""
    output, status = StringIO(), 0
    try:
        call_command("missing", *words, stdout=output)
    except SystemExit as ended:
        status = int(ended.code or 0)
    except CommandError as error:
        return str(error), error.returncode
    return output.getvalue(), status


@pytest.mark.usefixtures("two_clients")
def test_the_command_shows_every_client_or_one() -> None:
    table, status = run(PAST)
    one, status_of_one = run(PAST, "--client", "agency")

    assert status == 65
    assert [line.split() for line in table.splitlines()] == [
        ["user_id", "hours", "expected", "status", "client", "organization"],
        ["008", "0.00", "20.00", "missing", LISTER],
        ["007", "32.50", "40.00", "short", LISTER],
        ["007", "5.00", "5.00", "complete", "agency", "org_1"],
    ]
    assert (len(one.splitlines()), status_of_one) == (2, 0)
    printed, status = run(PAST, "--json")
    assert (json.loads(printed)["people"], status) == (EVERY, 65)


@pytest.mark.usefixtures("two_clients")
@pytest.mark.parametrize(
    ("words", "printed", "status"),
    [
        ([PAST, "--client", "unlisted"], "unlisted has no list.\n", 0),
        ([FUTURE], f"{FUTURE} is not a week that has begun, such as 2026-W23", 2),
        (["2017-19"], "2017-19 is not a week that has begun, such as 2026-W23", 2),
    ],
)
def test_the_command_without_a_list_or_a_week(words: list[str], printed: str, status: int) -> None:
    assert run(*words) == (printed, status)


@pytest.mark.usefixtures("issuer", "db")
def test_the_command_says_that_no_client_has_a_list() -> None:
    assert run(PAST) == ("No client has a list.\n", 0)
