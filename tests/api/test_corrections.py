"""Corrections, with a revision or with `correct=true`: the table of statuses, and what a correction needs."""

import json
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from unittest.mock import ANY

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, read_statuses, status_and_code, upload_rows
from tests.api.formats import Format, every_format
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
LATE = {"reason": "late"}
OTHERS = {"user_id": "008", "date": "2017-05-11T00:00:00Z", "project": "Intranet"}
SUPERSEDED = {"id": 1, "superseded_by": 2, "current_revision": 2}
GAP = {"code": "revision_gap", "id": 2, "current_revision": 2, "errors": {"revision": ANY}}
NO_ENTRY = "There is no entry with this entry_id to withdraw."
DIFFERS = "This entry differs from the current one. Send a reason."

# What is stored and sent, and the response: its status, and its members with revisions in place of ids. Which
# entry gets which outcome are the tables of tests/storage. These have each outcome.
WITH_REVISION = [
    pytest.param("", [], {"revision": None, "reason": None}, 201, {"id": NEW}, id="new"),
    pytest.param("", [1], {"revision": 1}, 200, {"id": 1}, id="equal"),
    pytest.param("", [1, 2], HISTORY[2], 200, {"id": 2}, id="equal-revision"),
    pytest.param("", [1, 2], {}, 200, SUPERSEDED, id="equal-to-an-older-one"),
    pytest.param("", [1], {"hours": 8}, 409, {"id": 1}, id="different"),
    pytest.param(
        "", [1, 2, 3], {**HISTORY[2], **LATE}, 409, {"id": 2, "current_revision": 3}, id="different-revision"
    ),
    pytest.param("", [1, 2], {**HISTORY[3], **OTHERS}, 201, {"id": NEW, "supersedes": 2}, id="correction"),
    pytest.param("", [1], {**HISTORY[2], "hours": 0}, 201, {"id": NEW, "supersedes": 1}, id="withdrawal"),
    pytest.param("", [1, 2], {**HISTORY[4], "revision": 1_000}, 409, GAP, id="gap"),
    pytest.param("", [], HISTORY[2], 422, {"errors": {"revision": ANY}}, id="unknown"),
]
SECOND = {"id": NEW, "supersedes": 1, "revision": 2}
THIRD = {"id": NEW, "supersedes": 2, "revision": 3}
CORRECT = "&correct=true"
CURRENT = [
    pytest.param(CORRECT, [], LATE, 201, {"id": NEW}, id="c-unknown"),
    pytest.param(CORRECT, [], {"hours": 0, **LATE}, 422, {"errors": {"hours": [NO_ENTRY]}}, id="c-nothing"),
    pytest.param(CORRECT, [1], LATE, 200, {"id": 1}, id="c-equal"),
    pytest.param(
        CORRECT, [1, 2], {"hours": 6, "revision": None}, 200, {"id": 2}, id="c-equal-to-a-correction"
    ),
    pytest.param(CORRECT, [1, 2], {"hours": 5, **LATE}, 201, THIRD, id="c-correction"),
    pytest.param(f"{CORRECT}&reason=late", [1], {"hours": 0}, 201, SECOND, id="c-reason-of-the-request"),
    pytest.param(CORRECT, [1], {"hours": 6}, 422, {"errors": {"reason": [DIFFERS]}}, id="c-no-reason"),
]
# The members that the table is about.
TABLE_MEMBERS = {"code", "id", "supersedes", "superseded_by", "current_revision", "revision", "errors", "was"}
CODES = {409: "conflict", 422: "invalid_entry"}

every_row = pytest.mark.parametrize(
    ("query", "stored", "sent", "status", "members"), [*WITH_REVISION, *CURRENT]
)


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


@every_row
def test_one_entry_gets_the_answer_of_the_table_also_in_a_dry_run(
    correct: Upload, query: str, stored: Sequence[int], sent: Any, status: int, members: Any
) -> None:
    ids = store_history(correct, stored)
    entry = make_entry(**{"entry_id": "a", **sent})

    checked = correct(entry, path=f"/timesheets/upload?dry_run=true{query}")
    response = correct(entry, path=f"/timesheets/upload?dry_run=false{query}")

    body = response.json()
    code = {"code": CODES[status]} if status in CODES else {}
    expected = name_rows({**code, **members}, ids)
    # What repeats the request is not in the table.
    names = TABLE_MEMBERS & body.keys() - ({"revision"} if "revision" in sent else set())
    assert response.status_code == status, body
    assert {name: body[name] for name in names} == expected
    assert query == "" or body.get("reason") == ("late" if "revision" in members else None)
    assert "Location" not in response.headers
    assert checked.status_code == (200 if status == 201 else status)
    for each in (checked, response):
        assert each.headers.get("Idempotency-Replayed") == ("true" if status == 200 else None)
    assert checked.json().get("supersedes") == expected.get("supersedes")
    assert not {"id", "message"} & checked.json().keys() or status >= 400
    assert Timesheet.objects.count() == len(stored) + (status == 201)


@every_row
def test_an_entry_of_a_batch_gets_the_result_of_the_table_also_in_a_dry_run(
    correct: Upload,
    correct_many: UploadMany,
    query: str,
    stored: Sequence[int],
    sent: Any,
    status: int,
    members: Any,
) -> None:
    ids = store_history(correct, stored)
    entry = make_entry(**{"entry_id": "a", **sent})

    checked = correct_many([entry], query=f"?dry_run=true{query}").json()
    response = correct_many([entry], query=f"?dry_run=false{query}")

    [would_be], [result] = checked["entries"], response.json()["entries"]
    would_be.pop("was", None)
    # Only what is refused is shown as it was sent.
    assert ("entry" in would_be) == (status >= 400)
    would_be.pop("entry", None)
    expected = {"index": 0, "status": status, **name_rows(members, ids)}
    assert response.status_code == 207
    assert result == expected
    assert would_be == {name: value for name, value in expected.items() if members.get(name) != NEW}
    assert checked["rejected"] == response.json()["rejected"] == (status >= 400)
    assert Timesheet.objects.count() == len(stored) + (status == 201)


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
        ([1, 2], {"hours": 8}, "This entry_id belongs to timesheet {2}, which"),
        ([1, 2], {"hours": 8}, "To correct it, send revision 3."),
        ([1, 2], {**HISTORY[2], "hours": 8}, "Revision 2 of this entry_id is timesheet {2}"),
        ([1], HISTORY[3], "The current revision of this entry_id is 1, so revision 2"),
    ],
)
def test_a_refused_correction_says_what_to_send_next(
    correct: Upload, stored: Sequence[int], sent: dict[str, Any], words: str
) -> None:
    ids = store_history(correct, stored)

    detail = correct(make_entry(**{"entry_id": "a", **sent})).json()["detail"]

    assert words.replace("{2}", str(ids.get(2))) in detail


@pytest.mark.parametrize("hours", ["-0", "-0.00", "0e5", "0.000"])
def test_every_zero_is_the_same_number(hours: str) -> None:
    assert str(parse_entry(revise(2, revision=Decimal(2), hours=Decimal(hours))).hours) == "0.00"


# In a batch


def test_an_invalid_revision_leaves_a_gap_in_its_batch(correct_many: UploadMany) -> None:
    response = correct_many([revise(1), revise(2, reason=""), revise(3)])

    [_, _, gap] = response.json()["entries"]
    assert read_statuses(response) == [201, 422, 409]
    assert (gap["code"], gap["current_revision"]) == ("revision_gap", 1)


def test_a_refused_correction_refuses_an_atomic_batch(correct: Upload, correct_many: UploadMany) -> None:
    ids = store_history(correct, [1])
    gap, unknown, conflict = revise(4, revision=5), revise(2, entry_id="b"), make_entry(entry_id="a", hours=9)

    for failing, status in ((gap, 409), (unknown, 422), (conflict, 409)):
        response = correct_many([revise(2), revise(3), failing, make_entry()], query="?atomic=true")

        results = response.json()["entries"]
        assert status_and_code(response) == (422, "batch_refused")
        assert [item["status"] for item in results] == [424, 424, status, 424]
        assert results[:2] == [{"index": 0, "status": 424}, {"index": 1, "status": 424}]
        assert results[2].get("id") == (ids[1] if failing is conflict else None)
    assert Timesheet.objects.count() == 1


def test_a_dry_run_shows_no_id_of_a_row_that_will_not_exist(
    correct: Upload, correct_many: UploadMany
) -> None:
    ids = store_history(correct, [1])
    entries = [revise(2), revise(3), revise(2, hours=9), revise(4, revision=9)]

    results = correct_many(entries, query="?dry_run=true").json()["entries"]

    results[3].pop("errors")
    assert [result.pop("entry", {}).get("hours") for result in results] == [None, None, 9, 7]
    assert results == [
        {"index": 0, "status": 201, "supersedes": ids[1]},
        {"index": 1, "status": 201},
        {"index": 2, "status": 409, "current_revision": 2},
        {"index": 3, "status": 409, "code": "revision_gap", "current_revision": 3},
    ]


# The scope


def test_a_correction_needs_a_scope_of_its_own(
    upload: Upload, correct: Upload, caplog: pytest.LogCaptureFixture
) -> None:
    store_history(correct, [1])

    response = upload(revise(2))

    challenge = response.headers["WWW-Authenticate"]
    assert status_and_code(response) == (403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="batch:upload correct:timesheets", resource_meta' in challenge
    assert "correct:timesheets" in response.json()["detail"]
    assert caplog.text.count('reason=insufficient_scope client="payroll"') == 1
    assert Timesheet.objects.count() == 1


@pytest.mark.parametrize("sent", [{"revision": 1}, {"revision": None}, {}])
def test_a_first_revision_needs_no_scope_of_its_own(upload: Upload, sent: dict[str, Any]) -> None:
    assert upload(make_entry(entry_id="a", **sent)).status_code == 201


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_the_scope_is_judged_before_what_is_stored(
    upload: Upload, upload_many: UploadMany, query: str
) -> None:
    upload(make_entry(entry_id="a"))

    for sent in (revise(2), revise(2, entry_id="unknown"), revise(2, revision=9)):
        one, many = upload(sent, path=f"/timesheets/upload{query}"), upload_many([sent], query=query)

        [result] = many.json()["entries"]
        assert status_and_code(one) == (result["status"], result["code"]) == (403, "insufficient_scope")


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
CONTROL = "Control characters are not allowed."
TOO_LONG = "Ensure this field has no more than 200 characters."
ALL = {
    "hours": "Ensure this value is less than or equal to 24.",
    "entry_id": REQUIRED,
    "reason": REQUIRED,
    "colour": "There is no such member.",
}
# The errors, and the JSON texts of some members.
INVALID: list[tuple[dict[str, str], list[str]]] = [
    ({"reason": REQUIRED}, ['"revision":2', '"revision":2,"reason":null']),
    ({"reason": BLANK}, ['"revision":2,"reason":""', '"revision":2,"reason":" \\t "', '"reason":""']),
    ({"reason": TOO_LONG}, ['"revision":2,"reason":"%s"' % ("x" * 201)]),
    ({"reason": CONTROL}, ['"revision":2,"reason":"a\\u0085b"']),
    ({"reason": "Not a valid string."}, ['"revision":2,"reason":5']),
    ({"reason": NO_REASON}, ['"reason":"x"', '"revision":1,"reason":"x"']),
    (
        {"hours": POSITIVE},
        ['"hours":0', '"revision":1,"hours":-0.00', '"revision":2,"reason":"x","hours":-1'],
    ),
    ({"entry_id": REQUIRED}, ['"revision":2,"reason":"x","entry_id":null']),
    (ALL, ['"revision":2,"entry_id":null,"hours":25,"colour":1']),
    ({"revision": TOO_SMALL}, ['"revision":0', '"revision":-1', '"revision":-1e99999999999999999999']),
    ({"revision": TOO_LARGE}, ['"revision":1001', '"revision":1e999', '"revision":1e99999999999999999999']),
    ({"revision": TOO_LARGE}, [f'"revision":1{"0" * 5000}']),
    ({"revision": WHOLE}, [f'"revision":{text}' for text in ("1.5", '"2"', '""', '"\u0662"', "true", "[2]")]),
    ({"revision": "This member is repeated."}, ['"revision":2,"revision":2']),
    # What depends on an invalid revision is not judged.
    ({"revision": WHOLE}, ['"revision":"2","hours":0,"reason":"x","entry_id":null']),
]


@pytest.mark.parametrize(
    ("members", "errors"),
    [pytest.param(text, errors, id=text[:40]) for errors, texts in INVALID for text in texts],
)
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
        pytest.param("2,  ", {"reason": [REQUIRED]}, id="blank-reason"),
        pytest.param(",x", {"reason": [NO_REASON]}, id="no-revision"),
        pytest.param("\u0662,x", {"revision": [WHOLE]}, id="arabic-digit"),
        pytest.param("2.0,x", {"revision": [WHOLE]}, id="point"),
        pytest.param("+2,x", {"revision": [WHOLE]}, id="sign"),
        pytest.param(" 2,x", None, id="space"),
        pytest.param("2e0,x", {"revision": [WHOLE]}, id="exponent"),
        pytest.param("0,x", {"revision": [TOO_SMALL]}, id="0"),
        pytest.param(f"{'9' * 1_000_000},x", {"revision": [WHOLE]}, id="a-million-digits"),
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
