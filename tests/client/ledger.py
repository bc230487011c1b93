"""A fake API for the client's tests. It stores batches like the real one, and fails on demand."""

import gzip
import json
from collections import deque
from typing import Any

from tests.client.conftest import Received, Reply, Site


class Ledger:
    """Answers the uploads to a site. `stored` has the entries by id, or by number without an id.

    Each of `troubles` replaces one answer: "lost" stores the batch and then answers 502, and a Reply is sent
    without storing anything.
    """

    def __init__(self, site: Site) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.batches: list[list[dict[str, Any]]] = []
        self.requests: list[Received] = []
        self.troubles: deque[Reply | str] = deque()
        self.max_entries = 10_000
        self.errors_per_entry = 1
        site.replies["/timesheets/upload"] = self.answer

    def answer(self, received: Received) -> Reply:
        self.requests.append(received)
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, Reply):
            return trouble
        entries = [json.loads(line) for line in gzip.decompress(received.body).splitlines()]
        if len(entries) > self.max_entries:
            return Reply(status=413, body={"code": "too_large", "detail": "Send less at once."})
        self.batches.append(entries)
        reply = self._judge(entries, received)
        return Reply(status=502, body=b"<html>") if trouble == "lost" else reply

    def _judge(self, entries: list[dict[str, Any]], received: Received) -> Reply:
        dry_run, atomic = "dry_run=true" in received.path, "atomic=true" in received.path
        items = [self._find_status(index, entry) for index, entry in enumerate(entries)]
        is_refused = atomic and any(item["status"] >= 400 for item in items)
        for item, entry in zip(items, entries, strict=True):
            if item["status"] == 201 and is_refused:
                item["status"] = 424
            elif item["status"] == 201 and not dry_run:
                self.stored[entry.get("entry_id") or f"#{len(self.stored)}"] = entry
        is_minimal = received.headers.get("Prefer") == "return=minimal"
        body: dict[str, Any] = {
            "received": len(items),
            "created": sum(item["status"] == 201 for item in items),
            "existing": sum(item["status"] == 200 for item in items),
            "rejected": sum(item["status"] >= 400 for item in items),
            "entries": [item for item in items if item["status"] >= 400 or not is_minimal],
        }
        if dry_run:
            body["dry_run"] = True
        return Reply(status=422 if is_refused else 200 if dry_run else 207, body=body)

    def _find_status(self, index: int, entry: dict[str, Any]) -> dict[str, Any]:
        if not 0 < entry.get("hours", 0) <= 24:
            return {
                "index": index,
                "status": 422,
                "errors": {"hours": ["Too many or too few."] * self.errors_per_entry},
            }
        known = self.stored.get(entry.get("entry_id", ""))
        if known is None:
            return {"index": index, "status": 201}
        return {"index": index, "status": 200 if known == entry else 409, "id": 14}
