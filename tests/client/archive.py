"""An API in memory for the client's tests, with corrections, receipts and reading back."""

import gzip
import json
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.client.conftest import Received, Reply, Site, mint_token, token_document

COMPARED = ("user_id", "date", "project", "hours")
ALL_SCOPES = "batch:upload correct:timesheets read:timesheets"
NOT_FOUND = Reply(status=404, body={"code": "not_found", "detail": "This client has none."})


class Archive:
    """Answers a site's requests from `rows`, which only grow, and keeps the requests.

    Each of `troubles` is for one upload: "lost" stores it and answers 502, a Reply is sent instead of storing
    anything, and a callable runs before the upload is judged.
    """

    def __init__(self, site: Site, scope: str = ALL_SCOPES) -> None:
        self.rows: list[dict[str, Any]] = []
        self.receipts: dict[int, dict[str, Any]] = {}
        self.requests: list[Received] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.troubles: deque[Reply | str | Callable[[], object]] = deque()
        self.max_entries = 10_000
        self.page_size = 1_000
        self._site = site
        site.token = mint_token(scope=scope)
        site.replies["/oauth/token"] = Reply(status=200, body=token_document(site.token))
        site.replies["/timesheets/upload"] = self.answer_upload
        site.replies["/timesheets"] = self.answer_list

    def store(self, entry_id: str | None, *hours: float, **members: Any) -> None:
        """Add one row per revision, all with the reason `before`."""
        for revision, each in enumerate(hours, 1):
            entry = {"user_id": "007", "date": "2026-06-01", "project": "X", "hours": each, **members}
            named = {} if entry_id is None else {"entry_id": entry_id}
            self._add({**entry, **named, "revision": revision, "reason": "before" if revision > 1 else None})

    def revisions(self, entry_id: str) -> list[tuple[float, str | None]]:
        """The hours and the reason of each revision."""
        return [(row["hours"], row.get("reason")) for row in self.rows if row.get("entry_id") == entry_id]

    def add_receipt(self, upload: int, created: int) -> None:
        self.receipts[upload] = {
            "id": upload,
            "label": "week23.csv",
            "received_at": "2026-06-08T02:10:03Z",
            "created": created,
        }
        self._site.replies[f"/uploads/{upload}"] = Reply(status=200, body=self.receipts[upload])
        for row in self.rows[len(self.rows) - created :]:
            row["upload"] = upload

    def answer_upload(self, received: Received) -> Reply:
        self.requests.append(received)
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, Reply):
            return trouble
        if callable(trouble):
            trouble()
        entries = [json.loads(line) for line in gzip.decompress(received.body).splitlines()]
        if len(entries) > self.max_entries:
            return Reply(status=413, body={"code": "too_large", "detail": "Send less at once."})
        self.batches.append(entries)
        is_dry_run = "dry_run=true" in received.path
        kept = list(self.rows)
        items = self._judge_all(entries)
        if is_dry_run:
            self.rows = kept
        body: dict[str, Any] = {
            "received": len(items),
            "created": sum(item["status"] == 201 for item in items),
            "existing": sum(item["status"] == 200 for item in items),
            "rejected": sum(item["status"] >= 400 for item in items),
            "entries": items,
        }
        if trouble == "lost":
            return Reply(status=502, body=b"<html>")
        return (
            Reply(status=200, body={**body, "dry_run": True}) if is_dry_run else Reply(status=207, body=body)
        )

    def answer_list(self, received: Received) -> Reply:
        self.requests.append(received)
        query = {name: values[0] for name, values in parse_qs(urlsplit(received.path).query).items()}
        start = int(query.get("cursor", 0))
        as_of = int(query.get("as_of", len(self.rows)))
        if "as_of" in query and not 0 < as_of <= len(self.rows):
            return Reply(status=400, body={"code": "invalid_parameter", "detail": "as_of: Send a stored id."})
        filters = {name: value for name, value in query.items() if name in ("entry_id", "upload")}
        found = [
            self._present(row, as_of)
            for row in self.rows[:as_of]
            if row["id"] > start
            and all(str(row.get(name)) == filters[name] for name in filters)
            and row["date"] >= query.get("date_from", "")
            and (query.get("current") != "true" or self._is_current(row, as_of))
        ]
        page = found[: min(self.page_size, int(query["page_size"]))]
        is_last = len(page) == len(found)
        # The client must take only the cursor from it.
        url = None if is_last else f"https://elsewhere.example/timesheets?cursor={page[-1]['id']}"
        return Reply(status=200, body={"results": page, "next": url})

    def _answer_row(self, received: Received) -> Reply:
        self.requests.append(received)
        number = int(received.path.rpartition("/")[2])
        return Reply(status=200, body=self._present(self.rows[number - 1]))

    def _is_current(self, row: dict[str, Any], as_of: int) -> bool:
        return row["hours"] != 0 and "superseded_by" not in self._present(row, as_of)

    def _present(self, row: dict[str, Any], as_of: int = 10**9) -> dict[str, Any]:
        shown = {name: value for name, value in row.items() if value is not None and name != "upload"}
        if row["revision"] == 1:
            del shown["revision"]
        after = self._find(row.get("entry_id"), row["revision"] + 1)
        before = self._find(row.get("entry_id"), row["revision"] - 1)
        return {
            **shown,
            **({"supersedes": before["id"]} if before else {}),
            **({"superseded_by": after["id"]} if after and after["id"] <= as_of else {}),
        }

    def _judge_all(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        order = sorted(range(len(entries)), key=lambda index: entries[index].get("revision") or 1)
        items = {index: {"index": index, **self._judge(entries[index])} for index in order}
        return [items[index] for index in range(len(entries))]

    def _judge(self, entry: dict[str, Any]) -> dict[str, Any]:
        revision = entry.get("revision")
        if errors := find_errors(entry):
            return {"status": 422, "errors": errors}
        current = self._find_current(entry.get("entry_id"))
        if current is None:
            if (revision or 1) > 1:
                return {"status": 422, "errors": {"revision": ["There is no such entry."]}}
            return {"status": 201, "id": self._add({**entry, "revision": 1})}
        return self._compare(entry, current) if revision is None else self._revise(entry, revision, current)

    def _compare(self, entry: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
        equal = [
            row for row in self.rows if is_equal(row, entry) and row.get("entry_id") == entry["entry_id"]
        ]
        if not equal:
            return {"status": 409, "id": current["id"], **say_current(current)}
        newest = equal[-1]
        if newest is current:
            return {"status": 200, "id": newest["id"]}
        after = self._find(entry["entry_id"], newest["revision"] + 1)
        assert after
        return {
            "status": 200,
            "id": newest["id"],
            "superseded_by": after["id"],
            "current_revision": current["revision"],
        }

    def _revise(self, entry: dict[str, Any], revision: int, current: dict[str, Any]) -> dict[str, Any]:
        row = self._find(entry["entry_id"], revision)
        if row and is_equal(row, entry) and row.get("reason") == entry.get("reason"):
            # Even if it is superseded.
            return {"status": 200, "id": row["id"]}
        if row:
            return {"status": 409, "id": row["id"], **say_current(current)}
        if revision > current["revision"] + 1:
            gap = {"code": "revision_gap", "errors": {"revision": ["There is a gap."]}}
            return {"status": 409, "id": current["id"], "current_revision": current["revision"], **gap}
        return {"status": 201, "id": self._add(entry), "supersedes": current["id"]}

    def _add(self, entry: dict[str, Any]) -> int:
        number = len(self.rows) + 1
        self.rows.append({**entry, "id": number, "date": normalize(entry["date"])})
        self._site.replies[f"/timesheets/{number}"] = self._answer_row
        return number

    def _find(self, entry_id: str | None, revision: int) -> dict[str, Any] | None:
        matches = (
            row
            for row in self.rows
            if entry_id is not None and row.get("entry_id") == entry_id and row["revision"] == revision
        )
        return next(matches, None)

    def _find_current(self, entry_id: str | None) -> dict[str, Any] | None:
        rows = [row for row in self.rows if entry_id is not None and row.get("entry_id") == entry_id]
        return rows[-1] if rows else None


def find_errors(entry: dict[str, Any]) -> dict[str, list[str]]:
    is_corrected = (entry.get("revision") or 1) > 1
    errors = {}
    if not (0 if is_corrected else 0.01) <= float(entry["hours"]) <= 24:
        errors["hours"] = ["Too many or too few."]
    if is_corrected != bool(entry.get("reason")):
        errors["reason"] = ["Required from revision 2 on."]
    return errors


def normalize(date: str) -> str:
    return f"{date}T00:00:00Z" if len(date) == len("2026-06-01") else date


def is_equal(row: dict[str, Any], entry: dict[str, Any]) -> bool:
    return all(
        row[name] == value
        for name, value in {**entry, "date": normalize(entry["date"])}.items()
        if name in COMPARED
    )


def say_current(current: dict[str, Any]) -> dict[str, int]:
    return {"current_revision": current["revision"]} if current["revision"] > 1 else {}
