"""Clients that upload batch after batch to a server and record its responses."""

import itertools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import requests

from tests.kit.waiting import run_beside
from timesheets.models import Timesheet

CLIENTS, SINGLE_CLIENTS = 3, 16
# Far longer than any response may take.
TIMEOUT_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Entries with `entry_id`s. The `user_id` is unique to the batch and identifies its rows."""

    user_id: str
    size: int

    @property
    def entry_ids(self) -> list[str]:
        return [f"{self.user_id}:{number:03}" for number in range(self.size)]

    def send(self, session: requests.Session, url: str, token: str) -> requests.Response:
        """Send a JSON array, or NDJSON if the size is odd."""
        entries = [
            {
                "user_id": self.user_id,
                "date": "2017-05-10",
                "project": "StoreZero",
                "hours": 5,
                "entry_id": entry_id,
            }
            for entry_id in self.entry_ids
        ]
        body, media_type = json.dumps(entries), "application/json"
        if self.size % 2:
            body, media_type = "\n".join(map(json.dumps, entries)), "application/x-ndjson"
        return session.post(
            f"{url}/timesheets/upload",
            data=body.encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": media_type},
            timeout=TIMEOUT_SECONDS,
        )


@dataclass(frozen=True, kw_only=True)
class BatchResponse:
    """The response to a batch, its time on the monotonic clock, and its duration."""

    batch: Batch
    status: int
    members: Mapping[str, Any]
    headers: Mapping[str, str]
    at: float
    seconds: float

    @property
    def ids(self) -> dict[str, int]:
        """The id that the response reports for each `entry_id`."""
        return {
            entry_id: verdict["id"]
            for entry_id, verdict in zip(self.batch.entry_ids, self.members["entries"], strict=True)
        }


@dataclass(kw_only=True)
class UploadLoad:
    """Concurrent clients. A client stops early if its connection fails."""

    url: str
    token: str
    name: str
    responses: list[BatchResponse] = field(default_factory=list)
    # Batches without a response.
    unanswered: list[Batch] = field(default_factory=list)

    def run(self) -> AbstractContextManager[None]:
        """Upload beside the block."""
        return run_beside(CLIENTS, self._run_client)

    @property
    def stored(self) -> list[BatchResponse]:
        return [response for response in self.responses if response.status == 207]

    @property
    def refused(self) -> list[BatchResponse]:
        return [response for response in self.responses if response.status != 207]

    def wait_for(
        self, is_wanted: Callable[[BatchResponse], bool], meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """Return when such a response arrives from now on."""
        begin = time.monotonic()
        while not any(response.at >= begin and is_wanted(response) for response in list(self.responses)):
            if time.monotonic() > begin + TIMEOUT_SECONDS:
                raise TimeoutError("no such response arrived")
            meanwhile()
            time.sleep(0.005)

    def _run_client(self, number: int, is_over: threading.Event) -> None:
        with requests.Session() as session:
            for batch in self._make_batches(number, is_over):
                begin = time.monotonic()
                try:
                    response = batch.send(session, self.url, self.token)
                except requests.RequestException:
                    self.unanswered.append(batch)
                    return
                now = time.monotonic()
                self.responses.append(
                    BatchResponse(
                        batch=batch,
                        status=response.status_code,
                        members=response.json(),
                        headers=response.headers,
                        at=now,
                        seconds=now - begin,
                    )
                )

    def _make_batches(self, client: int, is_over: threading.Event) -> Iterator[Batch]:
        """Batches of 100 to 500 entries."""
        number = 0
        while not is_over.is_set():
            yield Batch(user_id=f"{self.name}-{client}-{number}", size=100 + (number * 137 + client) % 401)
            number += 1


def read_stored_ids() -> dict[str, dict[str, int]]:
    """For each `user_id`: its stored `entry_id`s with their ids."""
    stored: dict[str, dict[str, int]] = defaultdict(dict)
    for user_id, entry_id, row_id in Timesheet.objects.values_list("user_id", "entry_id", "id"):
        stored[user_id][str(entry_id)] = row_id
    return stored


def require_whole_batches(responses: Sequence[BatchResponse], unanswered: Sequence[Batch]) -> None:
    """Acknowledged batches are stored with the reported ids; others are stored completely or not at all."""
    stored = read_stored_ids()
    assert Timesheet.objects.count() == sum(map(len, stored.values()))
    assert [response.batch for response in responses if stored[response.batch.user_id] != response.ids] == []
    assert [batch for batch in unanswered if len(stored[batch.user_id]) not in (0, batch.size)] == []


def send_until_available(batch: Batch, session: requests.Session, url: str, token: str) -> dict[str, Any]:
    """The response when the database is up again. A broken connection may still be in the pool at first."""
    for _ in range(10):
        response = batch.send(session, url, token)
        if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        time.sleep(float(response.headers["Retry-After"]))
    return dict(response.json())


def require_completion(batches: Sequence[Batch], url: str, token: str) -> None:
    """Send every batch again, and check that each entry is stored once."""
    with requests.Session() as session:
        responses = [send_until_available(batch, session, url, token) for batch in batches]
    assert [
        batch
        for batch, response in zip(batches, responses, strict=True)
        if response["created"] + response["existing"] != batch.size
    ] == []
    stored = {user_id: set(ids) for user_id, ids in read_stored_ids().items()}
    assert stored == {batch.user_id: set(batch.entry_ids) for batch in batches}
    assert Timesheet.objects.count() == sum(batch.size for batch in batches)


@dataclass(kw_only=True)
class SingleLoad:
    """Concurrent clients that upload single entries until their connection fails."""

    url: str
    token: str
    name: str
    # The `entry_id`s of acknowledged entries with their ids, and those without an answer.
    acknowledged: dict[str, int] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)

    def run(self) -> AbstractContextManager[None]:
        """Upload beside the block, which makes the connections fail."""
        return run_beside(SINGLE_CLIENTS, self._run_client)

    def _run_client(self, client: int, _: threading.Event) -> None:
        with requests.Session() as session:
            for number in itertools.count():
                entry_id = f"{self.name}:{client}:{number}"
                try:
                    response = send_single(session, self.url, self.token, entry_id)
                except requests.RequestException:
                    self.unanswered.append(entry_id)
                    return
                assert response.status_code == HTTPStatus.CREATED
                self.acknowledged[entry_id] = response.json()["id"]


def send_single(session: requests.Session, url: str, token: str, entry_id: str) -> requests.Response:
    entry = {"user_id": "007", "date": "2017-05-10", "project": "P", "hours": 5, "entry_id": entry_id}
    headers = {"Authorization": f"Bearer {token}"}
    return session.post(f"{url}/timesheets/upload", json=entry, headers=headers, timeout=TIMEOUT_SECONDS)
