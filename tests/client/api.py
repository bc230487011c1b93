"""The real API, in this process and behind the site of a test, and what goes wrong on the way to it."""

import gzip
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import connections
from django.test import Client

from tests.client.conftest import Received, Reply, Site, token_document
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from timesheets.models import Timesheet

ALL_SCOPES = "batch:upload correct:timesheets read:timesheets"
UPLOAD = "/timesheets/upload"
NDJSON = "application/x-ndjson"


class Api:
    """Answers the requests of a site that have no reply there, and keeps them.

    Each of `troubles` is for one upload: "lost" stores it and answers 502, a Reply is sent instead of storing
    anything, and a callable runs before the API gets the upload. More than `max_entries` get 413, and a page
    of 1,000 entries has `page_size`.
    """

    def __init__(self, site: Site, issuer: Issuer) -> None:
        self.requests: list[Received] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.troubles: deque[Reply | str | Callable[[], object]] = deque()
        self.max_entries = 10_000
        self.page_size = 1_000
        self.variables = site.variables
        self._site, self._issuer = site, issuer
        # The thread of a request sees the transaction of the test.
        self._connection = connections["default"]
        del site.replies[UPLOAD]
        site.api = self.answer
        self.grant(ALL_SCOPES)

    def grant(self, scope: str) -> str:
        """Let the issuer return a new token with this scope."""
        self._site.token = self._issuer.mint(scope=scope)
        self._site.replies["/oauth/token"] = Reply(status=200, body=token_document(self._site.token))
        return self._site.token

    def answer(self, received: Received) -> Reply:
        self.requests.append(received)
        if not received.body:
            path = received.path.replace("page_size=1000", f"page_size={self.page_size}")
            return self._pass_on(replace(received, path=path))
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, Reply):
            return trouble
        if callable(trouble):
            trouble()
        if received.headers.get("Content-Type") == NDJSON:
            entries = [json.loads(line) for line in gzip.decompress(received.body).splitlines()]
            if len(entries) > self.max_entries:
                return Reply(status=413, body={"code": "too_large", "detail": "Send less at once."})
            self.batches.append(entries)
        reply = self._pass_on(received)
        return Reply(status=502, body=b"<html>") if trouble == "lost" else reply

    def answer_with(self, **members: Any) -> Callable[[Received], Reply]:
        """What answers as the API does, but with these members."""
        return lambda received: Reply(status=200, body=json.loads(self.answer(received).encode()) | members)

    def add(self, *entries: Mapping[str, Any], label: str = "") -> None:
        """Store entries, of which only some members are given, as one upload."""
        default = {"user_id": "007", "date": "2026-06-01", "project": "X", "hours": 1}
        lines = b"\n".join(json.dumps(default | dict(entry)).encode() for entry in entries)
        path = f"{UPLOAD}?label={label}" if label else UPLOAD
        response = self._call("POST", path, lines, self._issuer.mint(scope=ALL_SCOPES), content_type=NDJSON)
        assert response.json()["rejected"] == 0, response.json()

    def store(self, entry_id: str | None, *hours: float, **members: Any) -> None:
        """Add an upload of one entry: a row per revision, all with the reason `before`."""
        named = {} if entry_id is None else {"entry_id": entry_id}
        revised = [{}, *({"revision": each, "reason": "before"} for each in range(2, len(hours) + 1))]
        self.add(
            *(members | named | more | {"hours": each} for each, more in zip(hours, revised, strict=True))
        )

    def lose_last(self, count: int = 1) -> None:
        """Forget the last rows, as after the restore of an older backup."""
        for row in Timesheet.objects.order_by("-id")[:count]:
            row.delete()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All that is stored, as the API shows it."""
        rows: list[dict[str, Any]] = []
        path: str | None = "/timesheets?page_size=1000"
        while path:
            page = self._call("GET", path, b"", self._issuer.mint(scope="read:timesheets")).json()
            rows += page["results"]
            path = page["next"] and page["next"].partition(".com")[2]
        return rows

    @property
    def stored(self) -> dict[str, dict[str, Any]]:
        """The rows by `entry_id`, or by number without one."""
        return {row.get("entry_id") or f"#{row['id']}": row for row in self.rows}

    def revisions(self, entry_id: str) -> list[tuple[float, str | None]]:
        """The hours and the reason of each revision."""
        return [(row["hours"], row.get("reason")) for row in self.rows if row.get("entry_id") == entry_id]

    def _pass_on(self, received: Received) -> Reply:
        names = ("Accept", "Content-Encoding", "Idempotency-Key", "Prefer")
        headers = {name: received.headers[name] for name in names if name in received.headers}
        token = received.headers.get("Authorization", "").removeprefix("Bearer ")
        content_type = received.headers.get("Content-Type", "")
        method = "POST" if received.body else "GET"
        response = self._call(
            method, received.path, received.body, token, content_type=content_type, headers=headers
        )
        kept = {name: response[name] for name in ("Location", "Timesheets-As-Of") if name in response}
        return Reply(status=response.status_code, body=response.content, headers=kept)

    def _call(self, method: str, path: str, body: bytes, token: str, **more: Any) -> ClientResponse:
        connections["default"] = self._connection
        headers = {**more.pop("headers", {}), "Authorization": f"Bearer {token}"}
        return Client().generic(method, path, body, headers=headers, **more)
