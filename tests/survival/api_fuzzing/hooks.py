"""What a description cannot express: how to generate bodies other than JSON, and rules across a request."""

import base64
import csv
import io
import json
import struct
import zlib
from datetime import date
from decimal import Decimal
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext, Response
from schemathesis.checks import CheckContext
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import RejectedPositiveData

COLUMNS = ("user_id", "date", "project", "hours", "entry_id", "revision", "reason")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=70)
DATES = st.dates(date(1900, 1, 1), date(2999, 12, 31)).map(str)
PROJECTS = st.sampled_from(["StoreZero", "Store, Zero", 'the "Zero"', "=1+1", "\N{SNOWMAN}"])
HOURS = st.integers(1, 24) | st.integers(1, 2400).map(lambda cents: f"{cents / 100:.2f}")
ENTRY_IDS = st.sampled_from(["a-1", "a-2"]) | st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True)
WORK = {"user_id": st.sampled_from(["007", "008"]), "date": DATES, "project": PROJECTS}
GOOD_ENTRIES = st.fixed_dictionaries({**WORK, "hours": HOURS}, optional={"entry_id": ENTRY_IDS})
# Whether one is accepted depends on what is stored.
CORRECTIONS = st.fixed_dictionaries(
    {
        **WORK,
        "hours": HOURS | st.just(0),
        "entry_id": st.sampled_from(["a-1", "a-2"]),
        "revision": st.integers(2, 4),
        "reason": st.sampled_from(["late", "\N{SNOWMAN}, late"]),
    }
)
BAD_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "user_id": TEXTS,
        "date": TEXTS | DATES,
        "project": TEXTS,
        "hours": TEXTS | st.decimals(-1, 25, places=3).map(str),
        "entry_id": TEXTS,
        "revision": TEXTS | st.integers(-1, 1_001),
        "reason": TEXTS,
        "comment": TEXTS,
    },
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=10,
)


def write_lines(values: list[Any]) -> bytes:
    return "".join(f"{json.dumps(value)}\n" for value in values).encode()


def write_rows(entries: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(entries)
    return text.getvalue().encode()


def list_entries(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Lists of good entries only, and lists that also contain corrections and bad ones."""
    return st.lists(GOOD_ENTRIES, max_size=5) | st.lists(GOOD_ENTRIES | CORRECTIONS | values, max_size=5)


schemathesis.openapi.media_type(
    "application/x-ndjson",
    list_entries(BAD_ENTRIES | VALUES).map(write_lines) | st.binary(),
    aliases=["application/ndjson", "application/jsonl"],
)
schemathesis.openapi.media_type("text/csv", list_entries(BAD_ENTRIES).map(write_rows) | st.binary())


def write_cursor(timesheet_id: int, *, newest_first: bool = False) -> str:
    position = struct.pack(">Q", newest_first << 63 | timesheet_id)
    return base64.urlsafe_b64encode(position + struct.pack(">I", zlib.crc32(position))).decode()


schemathesis.openapi.format("timesheets-cursor", st.integers(0, 2**63 - 1).map(write_cursor))


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Encode the examples that are not JSON, since registered strategies generate bytes."""
    for content in raw_schema["paths"]["/timesheets/upload"]["post"]["requestBody"]["content"].values():
        for example in content.get("examples", {}).values():
            if isinstance(example["value"], str):
                example["value"] = example["value"].encode()


def suit_the_format(query: dict[str, Any], media_type: str) -> None:
    """Send how dates are written only with tables, and truly."""
    for name, value in (("date_format", "iso"), ("time_zone", "Europe/Berlin")):
        if query.pop(name, None) is not None and media_type == "text/csv":
            query[name] = value


def suit_the_calendar_and_the_scopes(query: dict[str, Any]) -> None:
    """Send a week that has begun, and nothing about other clients, which these cannot read."""
    query.pop("client", None)
    if "week" in query:
        query["week"] = "2026-W19"
    if "by" in query:
        names = dict.fromkeys(name for name in query["by"].split(",") if name != "client")
        query["by"] = ",".join(names) or "user_id"


@schemathesis.hook
def before_call(context: HookContext, case: "Case[Any]", kwargs: dict[str, Any]) -> None:
    """Fix a request whose parts are valid but which is invalid as a whole."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    entries = read_json_entries(case)
    suit_the_format(case.query or {}, case.media_type or "")
    state_what_is_current(case.query or {}, entries)
    for entry in entries:
        make_consistent(entry)
    if "Idempotency-Key" in (case.headers or {}) and not is_one_entry_without_id(case):
        del case.headers["Idempotency-Key"]
    if "cursor" in (case.query or {}):
        # No pattern can require a checksum or an order, and not every phase uses a registered format.
        [position] = struct.unpack(">Q", base64.urlsafe_b64decode(case.query["cursor"])[:8])
        case.query["cursor"] = write_cursor(position >> 1, newest_first="order" in case.query)
    if "as_of" in (case.query or {}):
        # The first entry was stored before the run.
        case.query["as_of"] = 1
    suit_the_calendar_and_the_scopes(case.query or {})
    hours = sum((Decimal(str(entry["hours"])) for entry in entries), Decimal())
    totals = {"expect_entries": len(entries), "expect_hours": f"{hours:.2f}"}
    for name in totals.keys() & (case.query or {}).keys():
        case.query[name] = totals[name]
        if is_not_json(case):
            del case.query[name]


def read_json_entries(case: "Case[Any]") -> list[dict[str, Any]]:
    """The entries of a JSON body. NDJSON and CSV are bytes."""
    body: Any = [case.body] if isinstance(case.body, dict) else case.body
    return body if isinstance(body, list) else []


def state_what_is_current(query: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """Apply the rules of `correct=true`, without which there is no parameter `reason`."""
    if not {"correct", "reason"} & query.keys():
        return
    query |= {"correct": "true", "reason": query.get("reason") or "late"}
    for entry in entries:
        entry |= {"entry_id": entry.get("entry_id") or "a-1", "revision": None}


def make_consistent(entry: dict[str, Any]) -> None:
    """Apply the rules between the members of an entry."""
    if (entry.get("revision") or 1) > 1:
        # One that may fit what other requests have stored.
        entry |= {"entry_id": "a-1", "revision": 2 + entry["revision"] % 3}
        entry["reason"] = entry.get("reason") or "late"
        return
    entry.pop("reason", None)
    if float(entry["hours"]) == 0:
        entry["hours"] = 1


def is_one_entry_without_id(case: "Case[Any]") -> bool:
    return isinstance(case.body, dict) and case.body.get("entry_id") is None


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: "Case[Any]", response: Response) -> bool:
    """False if this is not a failure, for a reason that a description cannot express."""
    if isinstance(failure, RejectedPositiveData):
        return not is_rejected_for_its_content(case, response.json())
    if isinstance(failure, AcceptedNegativeData):
        return not (has_rejected_entries(response) or (is_not_json(case) and is_invalid_only_in_body(case)))
    return True


def is_rejected_for_its_content(case: "Case[Any]", problem: dict[str, Any]) -> bool:
    """True for conflicting contents of one entry_id, and for a body that may be good or bad."""
    verdicts = problem.get("entries", [problem])
    has_conflict = any(verdict["status"] == 409 for verdict in verdicts)
    # The current revision decides whether a correction is accepted.
    errors = {name for verdict in verdicts for name in verdict.get("errors", {})}
    codes = {"batch_refused", "malformed_body", "malformed_header"}
    return (
        (is_not_json(case) and problem["code"] in codes)
        or (has_conflict and not errors)
        or errors == {"revision"}
    )


def has_rejected_entries(response: Response) -> bool:
    """True if the verdicts report the errors of single entries."""
    return bool(response.status_code in {200, 207} and response.json().get("rejected", 0) > 0)


def is_not_json(case: "Case[Any]") -> bool:
    return case.media_type not in {None, "application/json"}


def is_invalid_only_in_body(case: "Case[Any]") -> bool:
    others = set(ParameterLocation) - {ParameterLocation.BODY}
    return case.meta is not None and not any(case.meta.is_negative_at(location) for location in others)


@schemathesis.check
def each_entry_has_one_verdict(ctx: CheckContext, response: Response, case: "Case[Any]") -> None:
    """The counts of every report match the entries that were sent and the verdicts."""
    if "json" not in response.headers.get("content-type", [""])[0] or not isinstance(response.json(), dict):
        return
    report = response.json()
    if not {"received", "entries"} <= report.keys():
        return
    assert report["received"] == report["created"] + report["existing"] + report["rejected"]
    is_minimal = "preference-applied" in response.headers
    reported = len(report["entries"])
    assert reported == (report["rejected"] if is_minimal else report["received"])
    for verdict in report["entries"]:
        assert ("errors" in verdict) == (verdict["status"] == 422 or "code" in verdict)


@schemathesis.check
def each_problem_has_the_status_of_its_response(
    ctx: CheckContext, response: Response, case: "Case[Any]"
) -> None:
    if response.headers.get("content-type") == ["application/problem+json"]:
        assert response.json()["status"] == response.status_code
