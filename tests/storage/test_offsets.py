"""RFC 3339 allows offsets up to 23:59. PostgreSQL rejects 16:00 and more, so timestamps are sent in UTC."""

from typing import Any

from django.test import Client

from tests.kit.default_database import Database, only_on
from tests.kit.issuer import Issuer

TIMESTAMPS = {
    "2017-05-10T12:00:00+15:59": "2017-05-09T20:01:00Z",
    "2017-05-10T12:00:00+16:00": "2017-05-09T20:00:00Z",
    "2017-05-10T12:00:00-16:00": "2017-05-11T04:00:00Z",
    "2017-05-10T12:00:00.000001+23:59": "2017-05-09T12:01:00.000001Z",
    "1900-01-01T00:00:00+23:59": "1899-12-31T00:01:00Z",
    "2999-12-31T23:59:59.999999-23:59": "3000-01-01T23:58:59.999999Z",
}


@only_on("postgresql")
def test_timestamps_with_any_offset_are_stored_and_found(
    client: Client, issuer: Issuer, database: Database
) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint(scope='batch:upload read:timesheets')}"}

    def upload(body: Any) -> Any:
        return client.post("/timesheets/upload", body, "application/json", headers=headers).json()

    def list_dates(**parameters: str) -> list[str]:
        return [
            each["date"] for each in client.get("/timesheets", parameters, headers=headers).json()["results"]
        ]

    for number, (timestamp, in_utc) in enumerate(TIMESTAMPS.items()):
        # The serializer reads names with spaces around them, and a faster function other entries.
        bodies: list[dict[str, Any]] = [
            {"user_id": user_id, "date": timestamp, "project": f"{number}", "hours": 5}
            for user_id in ("007", " 008 ")
        ]
        assert [upload(body)["date"] for body in bodies] == [in_utc] * 2
        assert upload(bodies)["created"] == 2

        assert list_dates(project=f"{number}", date_from=timestamp) == [in_utc] * 4
        assert list_dates(project=f"{number}", date_to=timestamp) == []
        is_later = timestamp.startswith("2999")
        assert list_dates(project=f"{number}", received_since=timestamp) == ([] if is_later else [in_utc] * 4)
