"""Corrections: the table of statuses for one entry and in a batch, and what a correction needs."""

import json
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, read_statuses, status_and_code, upload_rows
from tests.api.formats import CSV, Format, every_format
from timesheets.models import Timesheet
from timesheets.serializers import parse_entry

# The revisions of one entry, by their number.
HISTORY: Mapping[int, Mapping[str, Any]] = {
    1: {"hours": 5},
    2: {"hours": 6, "revision": 2, "reason": "second"},
    3: {"hours": 5, "revision": 3, "reason": "third"},
    4: {"hours": 7, "revision": 4, "reason": "fourth"},
}
# Instead of an id: the row that the request creates.
NEW = -1

# What is stored and sent, and the response: its status, and its members with revisions in place of ids. Which
# entry gets which outcome is the table of tests/storage/test_corrections.py. This one has each outcome.
TABLE = [
    pytest.param([], {"revision": None, "reason": None}, 201, {"id": NEW}, id="new"),
    pytest.param([1], {"revision": 1}, 200, {"id": 1}, id="equal"),
    pytest.param([1, 2], HISTORY[2], 200, {"id": 2}, id="equal-revision"),
    pytest.param(
        [1, 2], {}, 200, {"id": 1, "superseded_by": 2, "current_revision": 2}, id="equal-to-an-older-one"
    ),
    pytest.param([1], {"hours": 8}, 409, {"id": 1}, id="different"),
    pytest.param(
        [1, 2, 3],
        {**HISTORY[2], "reason": "other"},
        409,
        {"id": 2, "current_revision": 3},
        id="different-revision",
    ),
    pytest.param(
        [1, 2],
        {**HISTORY[3], "user_id": "008", "date": "2017-05-11T00:00:00Z", "project": "Intranet"},
        201,
        {"id": NEW, "supersedes": 2},
        id="correction",
    ),
    pytest.param([1], {**HISTORY[2], "hours": 0}, 201, {"id": NEW, "supersedes": 1}, id="withdrawal"),
    pytest.param(
        [1, 2],
        {**HISTORY[4], "revision": 1_000},
        409,
        {"code": "revision_gap", "id": 2, "current_revision": 2},
        id="gap",
    ),
    pytest.param([], HISTORY[2], 422, {}, id="unknown"),
]
# The members that the table is about.
TABLE_MEMBERS = ("code", "id", "supersedes", "superseded_by", "current_revision")

CODES = {409: "conflict", 422: "invalid_entry"}


def revise(number: int, **changes: Any) -> dict[str, Any]:
    """A revision of the history."""
    return make_entry(**{"entry_id": "a", **HISTORY[number], **changes})


def store_history(correct: Upload, revisions: Sequence[int]) -> dict[int, int]:
    """The ids of the revisions."""
    return {number: correct(revise(number)).json()["id"] for number in revisions}


def name_rows(members: Mapping[str, Any], ids: Mapping[int, int]) -> dict[str, Any]:
    """The members with ids in place of revisions."""
    rows = {**ids, NEW: Timesheet.objects.order_by("-id").values_list("id", flat=True).first()}
    return {
        name: rows[value] if name in {"id", "supersedes", "superseded_by"} else value
        for name, value in members.items()
    }


# The table of statuses


@pytest.mark.parametrize(("stored", "sent", "status", "members"), TABLE)
def test_one_entry_gets_the_answer_of_the_table(
    correct: Upload, stored: Sequence[int], sent: dict[str, Any], status: int, members: dict[str, Any]
) -> None:
    ids = store_history(correct, stored)

    response = correct(make_entry(**{"entry_id": "a", **sent}))

    body = response.json()
    code = {"code": CODES[status]} if status in CODES else {}
    assert response.status_code == status, body
    assert {name: body[name] for name in TABLE_MEMBERS if name in body} == name_rows({**code, **members}, ids)
    assert response.headers.get("Idempotency-Replayed") == ("true" if status == 200 else None)
    assert "Location" not in response.headers
    assert Timesheet.objects.count() == len(stored) + (status == 201)


@every_format
@pytest.mark.parametrize(("stored", "sent", "status", "members"), TABLE)
def test_an_entry_of_a_batch_gets_the_result_of_the_table(
    correct: Upload,
    correct_many: UploadMany,
    batch_format: Format,
    stored: Sequence[int],
    sent: dict[str, Any],
    status: int,
    members: dict[str, Any],
) -> None:
    ids = store_history(correct, stored)

    response = correct_many([make_entry(**{"entry_id": "a", **sent})], batch_format)

    [result] = response.json()["entries"]
    errors = result.pop("errors", None)
    place = {"index": 0} if status in {200, 201} else batch_format.locate(0)
    assert response.status_code == 207
    assert result == {**place, "status": status, **name_rows(members, ids)}
    assert (errors is not None) == (status == 422 or "code" in members)
    assert errors is None or list(errors) == ["revision"]
    assert Timesheet.objects.count() == len(stored) + (status == 201)


@pytest.mark.parametrize(("stored", "sent", "status", "members"), TABLE)
def test_a_dry_run_gets_the_same_result_without_a_new_row(
    correct: Upload,
    correct_many: UploadMany,
    stored: Sequence[int],
    sent: dict[str, Any],
    status: int,
    members: dict[str, Any],
) -> None:
    ids = store_history(correct, stored)
    without_new = {name: value for name, value in members.items() if value != NEW}

    many = correct_many([make_entry(**{"entry_id": "a", **sent})], query="?dry_run=true")
    one = correct(make_entry(**{"entry_id": "a", **sent}), path="/timesheets/upload?dry_run=true")

    [result] = many.json()["entries"]
    result.pop("errors", None)
    assert result == {"index": 0, "status": status, **name_rows(without_new, ids)}
    assert one.status_code == (200 if status == 201 else status)
    assert one.headers.get("Idempotency-Replayed") == ("true" if status == 200 else None)
    assert one.json().get("supersedes") == name_rows(without_new, ids).get("supersedes")
    assert not {"id", "message"} & one.json().keys() or status >= 400
    assert Timesheet.objects.count() == len(stored)


def test_a_correction_is_answered_with_its_members(correct: Upload, caplog: pytest.LogCaptureFixture) -> None:
    ids = store_history(correct, [1])
    caplog.set_level(logging.INFO)
    caplog.clear()

    created = correct(revise(2, reason=" typed twice "))
    replayed = correct(revise(2, reason="typed twice"))

    entry = revise(2, reason="typed twice")
    body = created.json()
    message = f"Created timesheet {body['id']} for employee 007"
    stored = {"id": body["id"], **entry}
    assert body == {**stored, "supersedes": ids[1], "message": message}
    assert replayed.json() == {**stored, "message": message}
    [record] = [record for record in caplog.records if record.name == "timesheets.entries"]
    assert json.loads(record.getMessage()) == {**stored, "supersedes": ids[1]}


@pytest.mark.parametrize(
    ("stored", "sent", "words"),
    [
        pytest.param([1, 2], {"hours": 8}, "This entry_id belongs to timesheet {2}, which", id="unspecified"),
        pytest.param([1, 2], {"hours": 8}, "To correct it, send revision 3.", id="what-to-do"),
        pytest.param(
            [1, 2], {**HISTORY[2], "hours": 8}, "Revision 2 of this entry_id is timesheet {2}", id="revision"
        ),
        pytest.param([1], HISTORY[3], "The current revision of this entry_id is 1, so revision 2", id="gap"),
    ],
)
def test_a_refused_correction_says_what_to_send_next(
    correct: Upload, stored: Sequence[int], sent: dict[str, Any], words: str
) -> None:
    ids = store_history(correct, stored)

    detail = correct(make_entry(**{"entry_id": "a", **sent})).json()["detail"]

    assert words.replace("{2}", str(ids.get(2))) in detail


def test_a_conflict_of_a_caller_without_revisions_has_its_old_words(upload: Upload) -> None:
    stored = upload(make_entry(entry_id="a")).json()["id"]

    problem = upload(make_entry(entry_id="a", hours=6)).json()

    problem.pop("request_id")
    assert problem == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": f"This entry_id belongs to timesheet {stored}, which differs and stays unchanged.",
        "code": "conflict",
        "id": stored,
    }


def test_an_idempotency_key_identifies_a_correction(correct: Upload) -> None:
    key = {"Idempotency-Key": "a"}
    first = correct(make_entry(), headers=key).json()["id"]

    response = correct(make_entry(revision=2, reason="x", hours=6), headers=key)

    assert (response.status_code, response.json()["supersedes"]) == (201, first)


@pytest.mark.parametrize("hours", ["-0", "-0.00", "0e5", "0.000"])
def test_every_zero_is_the_same_number(hours: str) -> None:
    assert str(parse_entry(revise(2, revision=Decimal(2), hours=Decimal(hours))).hours) == "0.00"


# In a batch


def test_an_invalid_revision_leaves_a_gap_in_its_batch(correct_many: UploadMany) -> None:
    response = correct_many([revise(1), revise(2, reason=""), revise(3)])

    [_, _, gap] = response.json()["entries"]
    assert read_statuses(response) == [201, 422, 409]
    assert (gap["code"], gap["current_revision"]) == ("revision_gap", 1)


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        pytest.param({"revision": 5}, 409, id="gap"),
        pytest.param({"entry_id": "b", "revision": 2}, 422, id="unknown"),
        pytest.param({"revision": 1, "reason": None, "hours": 9}, 409, id="conflict"),
    ],
)
def test_a_refused_correction_refuses_an_atomic_batch(
    correct: Upload, correct_many: UploadMany, failing: dict[str, Any], status: int
) -> None:
    ids = store_history(correct, [1])

    response = correct_many([revise(2), revise(3), revise(4, **failing), make_entry()], query="?atomic=true")

    results = response.json()["entries"]
    assert status_and_code(response) == (422, "batch_refused")
    assert [item["status"] for item in results] == [424, 424, status, 424]
    assert results[:2] == [{"index": 0, "status": 424}, {"index": 1, "status": 424}]
    assert results[2].get("id") == (ids[1] if "revision" in failing and failing["revision"] == 1 else None)
    assert Timesheet.objects.count() == 1


def test_a_dry_run_shows_no_id_of_a_row_that_will_not_exist(
    correct: Upload, correct_many: UploadMany
) -> None:
    ids = store_history(correct, [1])

    response = correct_many(
        [revise(2), revise(3), revise(2, hours=9), revise(4, revision=9)], query="?dry_run=true"
    )

    results = response.json()["entries"]
    results[3].pop("errors")
    assert results == [
        {"index": 0, "status": 201, "supersedes": ids[1]},
        {"index": 1, "status": 201},
        {"index": 2, "status": 409, "current_revision": 2},
        {"index": 3, "status": 409, "code": "revision_gap", "current_revision": 3},
    ]


def test_a_minimal_response_lists_refused_corrections(correct: Upload, correct_many: UploadMany) -> None:
    store_history(correct, [1, 2])
    sent = [
        revise(1),
        revise(2),
        revise(3),
        revise(4, revision=9),
        revise(2, entry_id="b"),
        revise(2, hours=9),
    ]

    response = correct_many(sent, headers={"Prefer": "return=minimal"})

    assert [(item["index"], item["status"]) for item in response.json()["entries"]] == [
        (3, 409),
        (4, 422),
        (5, 409),
    ]


# The scope


def test_a_correction_needs_a_scope_of_its_own(
    upload: Upload, correct: Upload, caplog: pytest.LogCaptureFixture
) -> None:
    store_history(correct, [1])

    response = upload(revise(2))

    challenge = response.headers["WWW-Authenticate"]
    assert status_and_code(response) == (403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="batch:upload correct:timesheets"' in challenge
    assert "resource_metadata=" in challenge
    assert "correct:timesheets" in response.json()["detail"]
    assert caplog.text.count('reason=insufficient_scope client="payroll"') == 1
    assert Timesheet.objects.count() == 1


@pytest.mark.parametrize("sent", [{"revision": 1}, {"revision": None}, {}])
def test_a_first_revision_needs_no_scope_of_its_own(upload: Upload, sent: dict[str, Any]) -> None:
    assert upload(make_entry(entry_id="a", **sent)).status_code == 201


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(revise(2), id="known"),
        pytest.param(revise(2, entry_id="b"), id="unknown"),
        pytest.param(revise(2, revision=9), id="gap"),
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_the_scope_is_judged_before_what_is_stored(
    upload: Upload, upload_many: UploadMany, sent: dict[str, Any], query: str
) -> None:
    upload(make_entry(entry_id="a"))

    one, many = upload(sent, path=f"/timesheets/upload{query}"), upload_many([sent], query=query)

    [result] = many.json()["entries"]
    assert status_and_code(one) == (403, "insufficient_scope")
    assert (result["status"], result["code"]) == (403, "insufficient_scope")


def test_an_invalid_correction_is_invalid_without_the_scope_too(
    upload: Upload, upload_many: UploadMany
) -> None:
    assert status_and_code(upload(revise(2, reason=None))) == (422, "invalid_entry")
    assert read_statuses(upload_many([revise(2, hours=25)])) == [422]


@every_format
def test_a_batch_without_the_scope_stores_all_but_its_corrections(
    upload_many: UploadMany, batch_format: Format, caplog: pytest.LogCaptureFixture
) -> None:
    response = upload_many([revise(3), revise(1), revise(2), make_entry(entry_id="b")], batch_format)

    results = response.json()["entries"]
    words = "A correction needs an access token with the scope correct:timesheets."
    refused = {"status": 403, "code": "insufficient_scope", "errors": {"revision": [words]}}
    assert read_statuses(response) == [403, 201, 403, 201]
    assert [results[0], results[2]] == [{**batch_format.locate(index), **refused} for index in (0, 2)]
    assert (response.json()["created"], response.json()["rejected"]) == (2, 2)
    assert caplog.text.count("reason=insufficient_scope") == 1
    assert Timesheet.objects.count() == 2


def test_a_missing_scope_refuses_an_atomic_batch(upload_many: UploadMany) -> None:
    response = upload_many([revise(1), revise(2)], query="?atomic=true", headers={"Prefer": "return=minimal"})

    assert status_and_code(response) == (422, "batch_refused")
    assert [item["status"] for item in response.json()["entries"]] == [424, 403]
    assert not Timesheet.objects.exists()


# The members


REQUIRED, BLANK = "This field is required.", "This field may not be blank."
WHOLE, POSITIVE = "A valid integer is required.", "Ensure this value is greater than 0."
TOO_SMALL = "Ensure this value is greater than or equal to 1."
TOO_LARGE = "Ensure this value is less than or equal to 1000."
NO_REASON = "Only a correction has a reason. Send it with a revision of 2 or more."

# The JSON text of some members, and the errors.
INVALID = [
    pytest.param('"revision":2', {"reason": REQUIRED}, id="no-reason"),
    pytest.param('"revision":2,"reason":null', {"reason": REQUIRED}, id="null-reason"),
    pytest.param('"revision":2,"reason":""', {"reason": BLANK}, id="empty-reason"),
    pytest.param('"revision":2,"reason":" \\t "', {"reason": BLANK}, id="blank-reason"),
    pytest.param(
        '"revision":2,"reason":"%s"' % ("x" * 201),
        {"reason": "Ensure this field has no more than 200 characters."},
        id="long-reason",
    ),
    pytest.param(
        '"revision":2,"reason":"a\\u0085b"', {"reason": "Control characters are not allowed."}, id="control"
    ),
    pytest.param('"revision":2,"reason":5', {"reason": "Not a valid string."}, id="number-as-reason"),
    pytest.param('"reason":"x"', {"reason": NO_REASON}, id="reason-without-revision"),
    pytest.param('"reason":""', {"reason": BLANK}, id="empty-without-revision"),
    pytest.param('"revision":1,"reason":"x"', {"reason": NO_REASON}, id="reason-of-1"),
    pytest.param('"hours":0', {"hours": POSITIVE}, id="0-hours"),
    pytest.param('"revision":1,"hours":-0.00', {"hours": POSITIVE}, id="0-of-1"),
    pytest.param('"revision":2,"reason":"x","hours":-1', {"hours": POSITIVE}, id="below-0"),
    pytest.param(
        '"revision":2,"reason":"x","entry_id":null', {"entry_id": REQUIRED}, id="correction-of-nothing"
    ),
    pytest.param(
        '"revision":2,"entry_id":null,"hours":25,"colour":1',
        {
            "hours": "Ensure this value is less than or equal to 24.",
            "entry_id": REQUIRED,
            "reason": REQUIRED,
            "colour": "There is no such member.",
        },
        id="all-at-once",
    ),
    pytest.param('"revision":0', {"revision": TOO_SMALL}, id="0"),
    pytest.param('"revision":-1', {"revision": TOO_SMALL}, id="minus-1"),
    pytest.param('"revision":1.5', {"revision": WHOLE}, id="fraction"),
    pytest.param('"revision":1001', {"revision": TOO_LARGE}, id="too-large"),
    pytest.param('"revision":1e999', {"revision": TOO_LARGE}, id="1e999"),
    pytest.param('"revision":1e99999999999999999999', {"revision": TOO_LARGE}, id="huge-exponent"),
    pytest.param('"revision":-1e99999999999999999999', {"revision": TOO_SMALL}, id="low-exponent"),
    pytest.param(f'"revision":1{"0" * 5000}', {"revision": TOO_LARGE}, id="5000-digits"),
    pytest.param('"revision":"2"', {"revision": WHOLE}, id="text"),
    pytest.param('"revision":""', {"revision": WHOLE}, id="empty"),
    pytest.param('"revision":"\u0662"', {"revision": WHOLE}, id="arabic-digit"),
    pytest.param('"revision":true', {"revision": WHOLE}, id="true"),
    pytest.param('"revision":[2]', {"revision": WHOLE}, id="list"),
    pytest.param('"revision":2,"revision":2', {"revision": "This member is repeated."}, id="repeated"),
    pytest.param(
        '"revision":"2","hours":0,"reason":"x","entry_id":null',
        {"revision": WHOLE},
        id="what-depends-on-an-invalid-revision-is-not-judged",
    ),
]


@pytest.mark.parametrize(("members", "errors"), INVALID)
def test_an_invalid_member_is_refused_by_name(
    correct: Upload, correct_many: UploadMany, members: str, errors: dict[str, str]
) -> None:
    correct(make_entry(entry_id="a"))
    given = [f'"{name}":{json.dumps(value)}' for name, value in make_entry(entry_id="a").items()]
    entry = ",".join([*(text for text in given if text.partition(":")[0] not in members), members])

    one = correct(f"{{{entry}}}".encode())
    many = correct(f"[{{{entry}}}]".encode())

    expected = {name: [words] for name, words in errors.items()}
    assert status_and_code(one) == (422, "invalid_entry")
    assert one.json()["errors"] == many.json()["entries"][0]["errors"] == expected
    assert list(one.json()["errors"]) == list(errors)


@pytest.mark.parametrize("text", ["2", "2.0", "2e0", "0.2E1", "20e-1"])
def test_only_its_value_decides_about_a_revision(correct: Upload, text: str) -> None:
    correct(make_entry(entry_id="a"))
    body = json.dumps(revise(2)).replace('"revision": 2', f'"revision": {text}')

    response = correct(body.encode())

    assert (response.status_code, response.json()["revision"]) == (201, 2)


@pytest.mark.parametrize(
    ("cells", "errors"),
    [
        pytest.param("2,typed twice", None, id="plain"),
        pytest.param("002,typed twice", None, id="zeros"),
        pytest.param('"2","typed, twice"', None, id="quoted"),
        pytest.param("2,", {"reason": [REQUIRED]}, id="no-reason"),
        pytest.param("2,  ", {"reason": [BLANK]}, id="blank-reason"),
        pytest.param(",x", {"reason": [NO_REASON]}, id="no-revision"),
        pytest.param("\u0662,x", {"revision": [WHOLE]}, id="arabic-digit"),
        pytest.param("2.0,x", {"revision": [WHOLE]}, id="point"),
        pytest.param("+2,x", {"revision": [WHOLE]}, id="sign"),
        pytest.param(" 2,x", {"revision": [WHOLE]}, id="space"),
        pytest.param("2e0,x", {"revision": [WHOLE]}, id="exponent"),
        pytest.param("0,x", {"revision": [TOO_SMALL]}, id="0"),
        pytest.param(f"{'9' * 1_000_000},x", {"revision": [TOO_LARGE]}, id="a-million-digits"),
        pytest.param('2,"a\nb"', {"reason": ["Control characters are not allowed."]}, id="line-feed"),
    ],
)
def test_a_cell_is_judged_like_a_member(
    correct: Upload, cells: str, errors: dict[str, list[str]] | None
) -> None:
    correct(make_entry(entry_id="a"))
    header = "user_id,date,project,hours,entry_id,revision,reason\n"

    response = upload_rows(correct, f"{header}007,2017-05-10,StoreZero,6,a,{cells}\n".encode())

    [result] = response.json()["entries"]
    assert (result["status"], result.get("errors")) == (422 if errors else 201, errors)


def test_empty_cells_are_absent(correct: Upload) -> None:
    header = b"reason,user_id,date,project,hours,revision\n"

    response = upload_rows(
        correct, header + b',007,2017-05-10,StoreZero,6,\n"",007,2017-05-10,StoreZero,6,""\n'
    )

    assert read_statuses(response) == [201, 201]


def test_a_csv_without_the_columns_has_no_revisions(correct_many: UploadMany) -> None:
    assert b"revision" not in CSV.write([make_entry()])

    assert read_statuses(correct_many([make_entry(entry_id="a")], CSV)) == [201]
