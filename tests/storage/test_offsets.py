"""RFC 3339 allows offsets up to 23:59. PostgreSQL rejects 16:00 and more, so timestamps are sent in UTC."""

import json
from typing import Any

import pytest
from django.test import Client as HTTPClient

from tests.kit.issuer import Issuer

pytestmark = pytest.mark.usefixtures("database")

TIMESTAMPS = [
    ("2017-05-10T12:00:00+15:59", "2017-05-09T20:01:00Z"),
    ("2017-05-10T12:00:00+16:00", "2017-05-09T20:00:00Z"),
    ("2017-05-10T12:00:00-16:00", "2017-05-11T04:00:00Z"),
    ("2017-05-10T12:00:00.000001+23:59", "2017-05-09T12:01:00.000001Z"),
    ("1900-01-01T00:00:00+23:59", "1899-12-31T00:01:00Z"),
    ("2999-12-31T23:59:59.999999-23:59", "3000-01-01T23:58:59.999999Z"),
]
every_timestamp = pytest.mark.parametrize(
    ("timestamp", "in_utc"), [pytest.param(*m, id=m[0]) for m in TIMESTAMPS]
)


class TimesheetsClient:
    def __init__(self, issuer: Issuer) -> None:
        token = issuer.mint(scope="batch:upload read:timesheets")
        self._headers = {"Authorization": f"Bearer {token}"}

    def upload(self, body: Any) -> Any:
        text = json.dumps(body)
        return HTTPClient().post("/timesheets/upload", text, "application/json", headers=self._headers)

    def list_dates(self, **parameters: str) -> list[str]:
        response = HTTPClient().get("/timesheets", parameters, headers=self._headers)
        assert response.status_code == 200, response.json()
        return [entry["date"] for entry in response.json()["results"]]


@pytest.fixture
def client(issuer: Issuer) -> TimesheetsClient:
    return TimesheetsClient(issuer)


def make_body(date: str, **changes: Any) -> dict[str, Any]:
    return {"user_id": "007", "date": date, "project": "StoreZero", "hours": 5, **changes}


@every_timestamp
@pytest.mark.parametrize(
    "user_id", [pytest.param("007", id="plain"), pytest.param(" 007 ", id="read-by-the-serializer")]
)
def test_an_entry_with_any_offset_is_stored(
    client: TimesheetsClient, timestamp: str, in_utc: str, user_id: str
) -> None:
    response = client.upload(make_body(timestamp, user_id=user_id))

    assert (response.status_code, response.json()["date"]) == (201, in_utc)
    assert client.list_dates() == [in_utc]


def test_a_batch_with_any_offsets_is_stored(client: TimesheetsClient) -> None:
    batch = [make_body(timestamp, entry_id=f"{row}") for row, (timestamp, _) in enumerate(TIMESTAMPS)]

    first, again = client.upload(batch), client.upload(batch)

    assert (first.status_code, first.json()["created"]) == (207, len(TIMESTAMPS))
    assert (again.status_code, again.json()["existing"]) == (207, len(TIMESTAMPS))
    assert client.list_dates() == [in_utc for _, in_utc in TIMESTAMPS]


@every_timestamp
def test_a_filter_accepts_any_offset(client: TimesheetsClient, timestamp: str, in_utc: str) -> None:
    client.upload(make_body(timestamp))

    assert client.list_dates(date_from=timestamp) == [in_utc]
    assert client.list_dates(date_to=timestamp) == []
    assert client.list_dates(received_since=timestamp) == ([] if timestamp.startswith("2999") else [in_utc])
