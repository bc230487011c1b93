"""`entry_id` and `Idempotency-Key` prevent duplicates of single entries."""

import pytest

from tests.api.conftest import TUTORIAL_ENTRY, Upload, status_and_code
from timesheets.models import Timesheet

KEYED_ENTRY = {**TUTORIAL_ENTRY, "entry_id": "week-19:1"}


def test_a_repeated_entry_is_replayed_and_not_stored_again(upload: Upload) -> None:
    first = upload(KEYED_ENTRY)

    second = upload(KEYED_ENTRY)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Timesheet.objects.count() == 1


@pytest.mark.parametrize("header", ["week-19:1", '"week-19:1"'], ids=["bare", "quoted"])
def test_an_idempotency_key_serves_as_entry_id(upload: Upload, header: str) -> None:
    assert upload(headers={"Idempotency-Key": header}).json()["entry_id"] == "week-19:1"
    assert upload(headers={"Idempotency-Key": header}).status_code == 200
    assert upload(KEYED_ENTRY, headers={"Idempotency-Key": header}).status_code == 200
    assert upload(KEYED_ENTRY).status_code == 200


@pytest.mark.parametrize("header", ["", '""', '"a', "a b", "x" * 129, '"a", "b"'])
def test_a_malformed_idempotency_key_is_refused(upload: Upload, header: str) -> None:
    response = upload(headers={"Idempotency-Key": header})

    assert status_and_code(response) == (400, "invalid_idempotency_key")


def test_an_idempotency_key_that_differs_from_the_entry_id_is_refused(upload: Upload) -> None:
    response = upload(KEYED_ENTRY, headers={"Idempotency-Key": "week-19:2"})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_idempotency_key")
    assert not Timesheet.objects.exists()
