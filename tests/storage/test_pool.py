"""Clients share the pool of connections."""

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from tests.api.conftest import status_and_code
from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer
from tests.storage.entries import PAYROLL, ingest, list_outcomes, make_entry
from tests.storage.uploads import REPORTING, insert_row
from timesheets.storage.entries import Outcome
from timesheets.storage.places import NoPlace, Places, share_pool
from timesheets.trust.principals import MachineClient

SHARE = 4


def store(*entry_ids: str, client: MachineClient = PAYROLL) -> list[Outcome]:
    try:
        return list_outcomes(ingest(*map(make_entry, entry_ids), client=client))
    finally:
        connections.close_all()


@only_on("postgresql")
def test_a_client_whose_uploads_wait_for_a_lock_starves_nobody(database: Database) -> None:
    store("first")
    with ThreadPoolExecutor(64) as executor:
        with psycopg.connect(database.url) as competitor:
            insert_row(competitor, "locked")
            slow = [executor.submit(store, "locked", f"{number}") for number in range(48)]
            refused: list[Future[Any]] = list(islice(as_completed(slow), 48 - SHARE))
            others = [executor.submit(store, f"{n}", f"also {n}", client=REPORTING) for n in range(SHARE)]
            stored = [other.result() for other in others]
            competitor.rollback()
        errors = [type(future.exception()) for future in slow]

    assert all(isinstance(future.exception(), NoPlace) for future in refused)
    assert stored == [[Outcome.CREATED] * 2] * SHARE
    assert errors.count(type(None)) == SHARE


@only_on("postgresql")
def test_a_client_that_has_its_share_of_the_pool_is_told_to_come_back(
    client: Client, issuer: Issuer, database: Database
) -> None:
    payroll = MachineClient(issuer=issuer.url, client_id="payroll", subject=None)
    batch = [{"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "hours": 5}]

    def upload(**claims: Any) -> Any:
        headers = {"Authorization": f"Bearer {issuer.mint(**claims)}"}
        return client.post("/timesheets/upload", batch, "application/json", headers=headers)

    with ExitStack() as uploads:
        for _ in range(SHARE):
            uploads.enter_context(share_pool(payroll))
        refused, of_another = upload(), upload(azp="reporting")
    after = upload()

    assert status_and_code(refused) == (503, "overloaded")
    assert refused.headers["Retry-After"] == "5"
    assert (of_another.status_code, after.status_code) == (207, 207)


def test_who_may_not_wait_for_a_place_is_refused_at_once() -> None:
    waiting = Places(lambda own, _: own < 1)
    places = Places(lambda own, _: own < 1, waiting=waiting, wait_seconds=3600)
    with places.take("payroll"), waiting.take("payroll"):
        with pytest.raises(NoPlace), places.take("payroll"):
            pass
        with places.take("reporting"):
            pass

    assert (places.count(), waiting.count()) == (0, 0)
