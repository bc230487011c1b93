"""One entry: what the API accepts, returns and stores."""

import json
import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import TUTORIAL_ENTRY, Upload, make_entry, status_and_code
from tests.kit.issuer import Issuer
from timesheets.models import Timesheet

TOO_LITTLE = "Ensure this value is greater than 0."
TOO_MUCH = "Ensure this value is less than or equal to 24."
TOO_PRECISE = "Ensure that there are no more than 2 decimal places."
NO_DATE = "Send an RFC 3339 date-time with seconds and a time zone"


def raw_entry(name: str, text: str) -> bytes:
    """The tutorial's entry with a member's value as raw JSON."""
    return json.dumps(make_entry(**{name: "@"})).replace('"@"', text).encode()


def test_the_tutorials_entry_is_created(upload: Upload) -> None:
    response = upload()

    body = response.json()
    assert response.status_code == 201
    assert body == {
        "id": body["id"],
        **TUTORIAL_ENTRY,
        "message": f"Created timesheet {body['id']} for employee 007",
    }


def test_a_created_entry_is_stored_with_its_client_and_subject(upload: Upload, issuer: Issuer) -> None:
    upload(make_entry(entry_id="week-19:1"))

    stored = Timesheet.objects.get()
    assert (stored.client.issuer, stored.client.client_id) == (issuer.url, "payroll")
    assert (stored.subject, stored.entry_id) == ("payroll@clients", "week-19:1")
    assert (stored.user_id, stored.project, stored.hours) == ("007", "StoreZero", Decimal(5))
    assert stored.date == datetime(2017, 5, 10, 17, 40, 20, 95000, tzinfo=UTC)


def test_a_stored_entry_is_logged_as_json_with_id(upload: Upload, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "timesheets.entries")

    body = upload(make_entry(project="Über\u2028Größe")).json()

    [record] = [record for record in caplog.records if record.name == "timesheets.entries"]
    assert json.loads(record.getMessage()) == {
        "id": body["id"],
        **TUTORIAL_ENTRY,
        "project": "Über\u2028Größe",
    }
    assert record.getMessage().isascii()
    assert len(record.getMessage().splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        *((f"2017-05-10{time}", "2017-05-10T17:40:20Z") for time in ("T17:40:20Z", "t17:40:20z")),
        *((f"2017-05-10T17:40:20{end}", "2017-05-10T17:40:20Z") for end in ("-00:00", ".000000Z")),
        ("2017-05-10T17:40:20+02:00", "2017-05-10T15:40:20Z"),
        ("2017-05-10T17:40:20.1Z", "2017-05-10T17:40:20.100Z"),
        *((f"2017-05-10T17:40:20.{part}Z", f"2017-05-10T17:40:20.{part}Z") for part in ("095", "123456")),
        ("2017-05-10", "2017-05-10T00:00:00Z"),
        # The first and the last year, as written.
        ("1900-01-01T00:00:00+10:00", "1899-12-31T14:00:00Z"),
        ("2999-12-31T23:59:59-12:00", "3000-01-01T11:59:59Z"),
    ],
)
def test_a_date_is_returned_in_utc(upload: Upload, given: str, stored: str) -> None:
    response = upload(make_entry(date=given))

    assert (response.status_code, response.json()["date"]) == (201, stored)


@pytest.mark.parametrize(
    ("zone", "date", "first_moment"),
    [
        ("Asia/Kathmandu", "2017-05-10", "2017-05-09T18:15:00Z"),
        # Without a midnight, a date means its first moment. test_one_truth.py has other zones.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
    ],
)
def test_a_date_means_its_first_moment_in_the_apis_zone(
    upload: Upload, settings: Any, zone: str, date: str, first_moment: str
) -> None:
    settings.TIMESHEETS_TIME_ZONE = zone

    assert upload(make_entry(date=date)).json()["date"] == first_moment


@pytest.mark.parametrize(
    ("texts", "returned"),
    [
        *((["5", "5.0"], "5"), (["7.5", '"7.50"'], "7.5"), (["7.2500000"], "7.25"), (["24"], "24")),
        *((["1e1"], "10"), (["0.01"], "0.01"), (['"07"'], "7")),
    ],
)
def test_hours_are_judged_by_value(upload: Upload, texts: list[str], returned: str) -> None:
    for text in texts:
        response = upload(raw_entry("hours", text))

        assert response.status_code == 201
        assert f'"hours":{returned},' in response.text


NO_NUMBER = "A valid number is required."
NO_STRING = "Not a valid string."
CONTROL = "Control characters are not allowed."
NO_ENTRY_ID = "Send 1 to 128"
YEARS = "between 1900 and 2999"
# The member, the words of the refusal, and the values as raw JSON.
INVALID = [
    ("hours", TOO_LITTLE, ["0", "-0", "-1"]),
    ("hours", TOO_MUCH, ["24.01", "1e400", "1" * 5000, "1e99999999999999999999"]),
    ("hours", TOO_PRECISE, ["1.001", "7.00000000000000000000000000000000000000001", "1e-400"]),
    ("hours", NO_NUMBER, ["true", '"1_0"', '"٥"', '" 5"', '"5."', '"NaN"', "[5]"]),
    ("hours", "This field may not be null.", ["null"]),
    ("user_id", NO_STRING, ["7", "true"]),
    ("user_id", "This field may not be blank.", ['" "']),
    ("user_id", "no more than 64 characters", [f'"{"x" * 65}"']),
    ("user_id", CONTROL, [r'"a\u0085b"']),
    ("project", CONTROL, [r'"a\nb"', r'"a\u007fb"']),
    ("project", "no more than 128 characters", [f'"{"x" * 129}"']),
    ("date", NO_DATE, ['"03/04/2026"', '"2017-05-10T17:40Z"', '"2017-05-10T17:40:20"']),
    ("date", NO_DATE, ['"2017-05-10 17:40:20Z"', '"2017-05-10T17:40:20Z\\n"', '"٢٠١٧-05-10"', "20170510"]),
    ("date", NO_DATE, ['"2016-12-31T23:59:60Z"', '"2017-05-10T24:00:00Z"']),
    ("date", NO_DATE, ['"2017-05-10T17:40:20+24:00"', '"2017-05-10T17:40:20+01:60"']),
    ("date", "no more than 6 fractional digits", ['"2017-05-10T17:40:20.1234567Z"']),
    ("date", "There is no such day.", ['"2017-02-29"']),
    ("date", YEARS, ['"1899-12-31"', '"3000-01-01"']),
    ("entry_id", NO_ENTRY_ID, ['"a b"', '"ä"', '"a\\n"', f'"{"x" * 129}"', "17"]),
    ("entry_id", "This field may not be blank.", ['""']),
]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param(name, text, words, id=f"{name}-{text[:30]}")
        for name, words, texts in INVALID
        for text in texts
    ],
)
def test_an_invalid_member_is_refused_with_reason(upload: Upload, name: str, text: str, words: str) -> None:
    response = upload(raw_entry(name, text))

    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid_entry")
    assert list(problem["errors"]) == [name]
    assert words in problem["errors"][name][0]
    assert not Timesheet.objects.exists()


def test_all_errors_are_reported_at_once(upload: Upload) -> None:
    response = upload({"user_id": "", "hours": 25, "colour": "red"})

    assert response.json()["errors"] == {
        "user_id": ["This field may not be blank."],
        "date": ["This field is required."],
        "project": ["This field is required."],
        "hours": [TOO_MUCH],
        "colour": ["There is no such member."],
    }


def test_unknown_members_are_named_up_to_a_limit(upload: Upload) -> None:
    response = upload(make_entry(**{f"{number:02}{'x' * 100}": 1 for number in range(30)}))

    errors = response.json()["errors"]
    assert len(errors) == 20
    assert {len(name) for name in errors} == {64}


@pytest.mark.parametrize("text", ["{}", '{"a":1,"a":2}'])
def test_an_object_as_a_member_is_refused(upload: Upload, text: str) -> None:
    assert upload(raw_entry("project", text)).json()["errors"] == {"project": ["Not a valid string."]}


def test_white_space_around_names_is_trimmed(upload: Upload) -> None:
    body = upload(make_entry(user_id=" 007\t", project="\n StoreZero\x1f")).json()

    assert (body["user_id"], body["project"]) == ("007", "StoreZero")


def test_a_null_entry_id_means_none(upload: Upload) -> None:
    assert "entry_id" not in upload(make_entry(entry_id=None)).json()


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 600_000, b"5", b'"007"', b"null"],
    ids=["cut", "brackets", "number", "string", "null"],
)
def test_a_body_that_is_not_a_json_object_is_malformed(upload: Upload, body: bytes) -> None:
    assert status_and_code(upload(body)) == (400, "malformed_body")
