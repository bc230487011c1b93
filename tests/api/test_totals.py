"""`GET /totals` adds up what is current."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.api.conftest import status_and_code
from tests.api.reading import Read
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as build_entry


@pytest.fixture
def read_all(read: Read, issuer: Issuer) -> Read:
    return partial(read, token=issuer.mint(scope="read:all-timesheets"))


def build_hours(hours: str, entry_id: str | None = None, **changes: Any) -> Any:
    return build_entry(entry_id, hours=Decimal(hours), **changes)


def test_current_hours_of_the_client_are_added_up(read: Read, store: Any) -> None:
    store(build_hours("1.50", "a"), build_hours("2", "b"), build_hours("0.1", project="Beta"))
    store(build_hours("20", "a"), client_id="globex")
    store(
        build_hours("0", "a", revision=2, reason="withdrawn"),
        build_hours("3", "b", revision=2, reason="late"),
    )
    [last] = store(build_hours("0.2", project="Beta", user_id="8"))

    assert read("/totals?by=project,month").json() == {
        "results": [
            {"project": "Beta", "month": "2017-05", "entries": 2, "hours": "0.30"},
            {"project": "StoreZero", "month": "2017-05", "entries": 1, "hours": "3.00"},
        ],
        "entries": 3,
        "hours": "3.30",
        "as_of": last,
    }
    filtered = read(f"/totals?by=week&user_id=007&project=Beta&date_from=2017-05-10&as_of={last - 1}").json()
    assert filtered["results"] == [{"week": "2017-W19", "entries": 1, "hours": "0.10"}]
    assert read("/totals?by=day&date_to=2017-05-10").json() == {
        "results": [],
        "entries": 0,
        "hours": "0.00",
        "as_of": last,
    }


def test_days_are_those_of_the_apis_time_zone(read: Read, store: Any, settings: Any) -> None:
    settings.TIMESHEETS_TIME_ZONE = "Pacific/Auckland"
    store(build_hours("1"))

    assert read("/totals?by=day").json()["results"][0]["day"] == "2017-05-11"


def test_an_organization_groups_with_its_client(read_all: Read, store: Any) -> None:
    for client in ({"client_id": "b"}, {"client_id": "b", "organization": "org_acme"}, {"client_id": "a"}):
        store(build_hours("1"), **client)

    owners = [{"client": "a"}, {"client": "b"}, {"client": "b", "organization": "org_acme"}]
    body = read_all("/totals?by=day,client").json()
    assert body["results"] == [
        {"day": "2017-05-10", **owner, "entries": 1, "hours": "1.00"} for owner in owners
    ]
    assert read_all("/totals?by=client&client=b").json()["hours"] == "2.00"
    assert read_all("/totals?by=client,month", Accept="text/csv").content.decode() == (
        "client,organization,month,entries,hours\r\n"
        "a,,2017-05,1,1.00\r\nb,,2017-05,1,1.00\r\nb,org_acme,2017-05,1,1.00\r\n"
    )


@pytest.mark.parametrize(
    "query",
    [
        *("", "by=", "by=hours", "by=day,", "by=day,day", "by=day,week,month", "by=day, week", "by=DAY"),
        *(
            "by=day&by=week",
            "by=day&order=newest",
            "by=day&current=true",
            "by=client",
            "by=day&client=payroll",
        ),
        *("by=day&as_of=1", "by=day&date_from=x"),
    ],
)
def test_a_wrong_parameter_is_refused(read: Read, query: str) -> None:
    refused = read(f"/totals?{query}")

    assert status_and_code(refused) == (400, "invalid_parameter")
    assert "client" not in refused.json()["detail"]


def test_who_reads_everything_learns_that_clients_can_be_groups(read_all: Read) -> None:
    assert "project, client, day" in read_all("/totals?by=hours").json()["detail"]


def test_too_many_groups_are_refused(read: Read, store: Any) -> None:
    store(*(build_hours("1", user_id=str(number)) for number in range(10_001)))

    assert status_and_code(read("/totals?by=user_id")) == (400, "too_many_groups")
