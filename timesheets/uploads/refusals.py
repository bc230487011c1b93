"""What a receipt keeps of the entries that its upload refused."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from timesheets.logs import redact_tokens
from timesheets.models import Rejection
from timesheets.parsers import MalformedEntry, Upload
from timesheets.serializers import EntrySerializer
from timesheets.storage.entries import ACCEPTED, Entry, Outcome, Verdict
from timesheets.storage.receipts import MAX_KEPT
from timesheets.uploads.results import PROBLEMS, Result, describe_verdict, explain_conflict
from timesheets_files.limits import MAX_UNKNOWN_MEMBERS
from timesheets_files.members import SentDate, Unfit
from timesheets_files.strict_json import REPEATED

MAX_TEXT_LENGTH = 200
# Beyond it, a program that reads JSON may not read an integer exactly.
_MAX_INTEGER = 2**53
_MEMBERS = frozenset(EntrySerializer().fields)


def list_refused(
    upload: Upload, judged: Sequence[Entry | Result], verdicts: Sequence[Verdict]
) -> list[Rejection]:
    """The first refused entries of an upload, in order. There is a verdict for each Entry in `judged`."""
    return [
        Rejection(
            index=index,
            line=upload.lines[index] if upload.lines else None,
            sheet=upload.sheets[index] if upload.sheets else None,
            status=PROBLEMS[outcome].status_code,
            code=PROBLEMS[outcome].default_code,
            errors=_write_json({_clean(name): words for name, words in errors.items()}),
            entry=_write_json(describe_sent(upload.entries[index])),
        )
        for index, outcome, errors in islice(_find_refused(judged, verdicts), MAX_KEPT)
    ]


def _find_refused(
    judged: Sequence[Entry | Result], verdicts: Sequence[Verdict]
) -> Iterator[tuple[int, Outcome, Mapping[str, Any]]]:
    remaining = iter(verdicts)
    for index, entry in enumerate(judged):
        if not isinstance(entry, Entry):
            yield index, entry.outcome, entry.members["errors"]
        elif (verdict := next(remaining)).outcome is Outcome.CONFLICT:
            yield index, verdict.outcome, {"entry_id": [explain_conflict(entry, verdict)]}
        elif verdict.outcome not in ACCEPTED:
            yield index, verdict.outcome, describe_verdict(verdict).members["errors"]


def describe_sent(value: Any) -> Mapping[str, Any]:
    """The members as they were sent, shortened and without tokens; `text` of what has no members."""
    if isinstance(value, MalformedEntry):
        return {"text": _clean(value.text)}
    if not isinstance(value, Mapping):
        return {"text": _clean(value if isinstance(value, str) else _write_json(value))}
    unknown = frozenset(islice((name for name in value if name not in _MEMBERS), MAX_UNKNOWN_MEMBERS))
    return {
        _clean(name): _describe_value(member)
        for name, member in value.items()
        if (name in _MEMBERS or name in unknown) and member is not REPEATED
    }


def _describe_value(value: Any) -> Any:
    if isinstance(value, Unfit | SentDate):
        value = value.sent
    if value is None or isinstance(value, str):
        return value and _clean(value)
    if isinstance(value, Decimal):
        return _to_number(value)
    return _clean(_write_json(value))


def _to_number(value: Decimal) -> int | float | str:
    """The number, or its text if it is too large for JSON."""
    if -_MAX_INTEGER < value < _MAX_INTEGER and value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else str(value)[:MAX_TEXT_LENGTH]


def _clean(text: str) -> str:
    """The text as a database can store it, without what looks like a token, cut."""
    valid = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "\ufffd")
    return redact_tokens(valid, "…")[:MAX_TEXT_LENGTH]


def _write_json(value: Any) -> str:
    # A repeated member has no value.
    return json.dumps(
        value, ensure_ascii=False, default=lambda each: None if each is REPEATED else _to_number(each)
    )
