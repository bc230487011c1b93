"""Use the client that openapi-python-client generates. Arguments: the API's URL, a token."""

import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from generated.api.timesheets import list_timesheets, upload_timesheets
from generated.api.uploads import retrieve_upload
from generated.client import AuthenticatedClient
from generated.models import Entry, Page, Problem, Receipt, Report, StoredEntry


def upload_one(client: AuthenticatedClient) -> Any:
    body = Entry(user_id="007", date="2017-05-10T17:40:20.095Z", project="StoreZero", hours=5)
    stored = upload_timesheets.sync(client=client, body=body)
    assert isinstance(stored, StoredEntry)
    return [stored.message.partition(" for ")[2], stored.date.year]


def upload_many(client: AuthenticatedClient) -> Any:
    hours = (1, "2.5", 25)
    body = [Entry(user_id="007", date="2017-05-10", project="StoreZero", hours=each) for each in hours]
    report = upload_timesheets.sync(client=client, body=body)
    assert isinstance(report, Report)
    return [int(verdict.status) for verdict in report.entries]


def list_two_pages(client: AuthenticatedClient) -> Any:
    filters = {"user_id": ["007", "008"], "page_size": 2}
    first = list_timesheets.sync(client=client, **filters)
    assert isinstance(first, Page)
    assert first.next_
    [cursor] = parse_qs(urlsplit(first.next_).query)["cursor"]
    second = list_timesheets.sync(client=client, **filters, cursor=cursor)
    assert isinstance(second, Page)
    return [[entry.hours for entry in page.results] for page in (first, second)]


def read_401(url: str) -> Any:
    problem = list_timesheets.sync(client=AuthenticatedClient(base_url=url, token="broken"))
    assert isinstance(problem, Problem)
    return [problem.status, problem.code]


def read_422(client: AuthenticatedClient) -> Any:
    body = Entry(user_id="", date="2017-05-10", project="StoreZero", hours=5)
    problem = upload_timesheets.sync(client=client, body=body)
    assert isinstance(problem, Problem)
    assert problem.errors
    return [problem.status, problem.code, problem.errors.additional_keys]


def correct(client: AuthenticatedClient) -> Any:
    entry = {"user_id": "007", "date": "2017-05-10", "project": "StoreZero", "entry_id": "week-19:0"}
    upload_timesheets.sync(client=client, body=Entry(**entry, hours=5))
    correction = Entry(**entry, hours=6, revision=2, reason="The evening was missing.")
    stored = upload_timesheets.sync(client=client, body=correction)
    assert isinstance(stored, StoredEntry)
    assert stored.supersedes
    return [stored.hours, stored.revision, stored.reason, stored.id - stored.supersedes]


def read_receipt(client: AuthenticatedClient) -> Any:
    body = [Entry(user_id="007", date="2017-05-10", project="StoreZero", hours=5)]
    totals = {"expect_entries": 1, "expect_hours": "5"}
    response = upload_timesheets.sync_detailed(client=client, body=body, label="week-19.json", **totals)
    upload_id = int(response.headers["Location"].rpartition("/")[2])
    receipt = retrieve_upload.sync(upload_id, client=client)
    assert isinstance(receipt, Receipt)
    return [receipt.label, receipt.received_at.year > 2017, receipt.hours.created]


def main(url: str, token: str) -> None:
    client = AuthenticatedClient(base_url=url, token=token)
    outcome = {
        "one": upload_one(client),
        "many": upload_many(client),
        "pages": list_two_pages(client),
        "unauthorized": read_401(url),
        "invalid": read_422(client),
        "correction": correct(client),
        "receipt": read_receipt(client),
    }
    print(json.dumps(outcome))  # noqa: T201


main(*sys.argv[1:])
