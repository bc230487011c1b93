"""The examples in the API's description do what they say."""

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.http import HttpResponse

from tests.issuer import Issuer
from tests.server.conftest import TUTORIAL_ENTRY, Upload
from timesheets import exceptions
from timesheets.openapi.views import read_description
from timesheets.parsers import MAX_ENTRIES

DESCRIPTION = read_description()
OPERATION = DESCRIPTION["paths"]["/timesheets/upload"]["post"]
LIST = DESCRIPTION["paths"]["/timesheets"]["get"]
RETRIEVE = DESCRIPTION["paths"]["/timesheets/{timesheet_id}"]["get"]
PROBLEMS = {
    name: response["content"][exceptions.PROBLEM_MEDIA_TYPE]
    for name, response in DESCRIPTION["components"]["responses"].items()
    if exceptions.PROBLEM_MEDIA_TYPE in response["content"]
}
PROBLEM_EXAMPLES = {
    code: example["value"] for content in PROBLEMS.values() for code, example in content["examples"].items()
}


def get_shown(body: dict[str, Any], name: str, media_type: str = "application/json") -> Any:
    """The value of an example of a request's or a response's body."""
    return body["content"][media_type]["examples"][name]["value"]


def resolve(response: dict[str, Any]) -> dict[str, Any]:
    """The response itself, or the component that it refers to."""
    name = response.get("$ref", "").removeprefix("#/components/responses/")
    return DESCRIPTION["components"]["responses"][name] if name else response


ONE_ENTRY = get_shown(OPERATION["requestBody"], "one")
STORED_ONCE = get_shown(OPERATION["requestBody"], "oneWithId")
MANY_ENTRIES = get_shown(OPERATION["requestBody"], "many")
INVALID_ENTRY = get_shown(OPERATION["requestBody"], "invalid")
OK, CREATED, MULTI_STATUS = (OPERATION["responses"][status] for status in ("200", "201", "207"))

REQUESTS = [
    pytest.param(media_type, example, id=f"{media_type}-{name}")
    for media_type, content in OPERATION["requestBody"]["content"].items()
    for name, example in content["examples"].items()
]


def encode(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def even_out(answer: Any) -> Any:
    """The answer without what differs from one to the next: ids, and when it was."""
    text = re.sub(r'("id": |timesheet )\d+', r"\g<1>14", json.dumps(answer))
    text = re.sub(r'("request_id": )"\w+"', r'\1"-"', text)
    return json.loads(re.sub(r'("received_at": )"[^"]+"', r'\1"-"', text))


@pytest.mark.parametrize(("media_type", "example"), REQUESTS)
def test_an_example_gets_the_status_that_it_says(
    upload: Upload, media_type: str, example: dict[str, Any]
) -> None:
    response = upload(encode(example["value"]), content_type=media_type)

    assert example["summary"].endswith(f": {response.status_code}")


@pytest.mark.parametrize(("media_type", "example"), REQUESTS)
def test_an_example_gets_an_answer_as_it_is_described(
    upload: Upload, media_type: str, example: dict[str, Any]
) -> None:
    response = upload(encode(example["value"]), content_type=media_type)

    answer = resolve(OPERATION["responses"][str(response.status_code)])
    schema = answer["content"][response.headers["Content-Type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(
        response.json()
    )
    assert set(answer["headers"]) - set(response.headers) <= {"Preference-Applied", "Idempotency-Replayed"}


def test_an_entry_that_is_stored_is_answered_as_shown(upload: Upload) -> None:
    answer = upload(ONE_ENTRY).json()

    assert even_out(answer) == get_shown(CREATED, "created")


def test_an_entry_that_was_there_is_answered_as_shown(upload: Upload) -> None:
    upload(STORED_ONCE)

    response = upload(STORED_ONCE)

    assert response.status_code == 200
    assert even_out(response.json()) == get_shown(OK, "existing")


def test_a_dry_run_is_answered_as_shown(upload: Upload) -> None:
    one = upload(ONE_ENTRY, path="/timesheets/upload?dry_run=true")
    many = upload(MANY_ENTRIES, path="/timesheets/upload?dry_run=true")

    assert (one.status_code, one.json()) == (200, get_shown(OK, "dryRun"))
    assert (many.status_code, many.json()) == (200, get_shown(OK, "dryRunOfMany"))


def test_verdicts_are_answered_as_shown(upload: Upload) -> None:
    whole = upload(MANY_ENTRIES)
    minimal = upload(
        [{**entry, "entry_id": None} for entry in MANY_ENTRIES], headers={"Prefer": "return=minimal"}
    )

    assert even_out(whole.json()) == even_out(get_shown(MULTI_STATUS, "all"))
    assert minimal.json() == get_shown(MULTI_STATUS, "minimal")


def test_entries_are_read_as_shown(upload: Upload, client: Any, issuer: Issuer) -> None:
    read = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    before = client.get("/timesheets", headers=read).json()
    timesheet_id = upload(STORED_ONCE).json()["id"]

    page = client.get("/timesheets", headers=read).json()
    one = client.get(f"/timesheets/{timesheet_id}", headers=read).json()
    rows = client.get(f"/timesheets/{timesheet_id}", headers={**read, "Accept": "text/csv"}).content.decode()

    shown = get_shown(RETRIEVE["responses"]["200"], "rows", "text/csv")
    assert before == get_shown(LIST["responses"]["200"], "none")
    assert even_out(page) == even_out(get_shown(LIST["responses"]["200"], "last"))
    assert even_out(one) == even_out(get_shown(RETRIEVE["responses"]["200"], "one"))
    assert rows.splitlines()[0] == shown.splitlines()[0]
    assert rows.splitlines()[1].split(",")[1:-1] == shown.splitlines()[1].split(",")[1:-1]


# A request for each code, by what is not as it should be.
PROVOKED: dict[str, Callable[[Upload, Any, Issuer], HttpResponse]] = {
    "invalid_request": lambda upload, *_: upload(token=""),
    "invalid_parameter": lambda upload, *_: upload(path="/timesheets/upload?atomic=yes"),
    "invalid_idempotency_key": lambda upload, *_: upload([], headers={"Idempotency-Key": "a"}),
    "malformed_body": lambda upload, *_: upload(b"?"),
    "malformed_header": lambda upload, *_: upload(b"user_id,date,project\n", content_type="text/csv"),
    "not_authenticated": lambda upload, *_: upload(token=None),
    "invalid_token": lambda upload, _, issuer: upload(
        token=issuer.mint(exp=1_500_000_000, iat=1_499_999_000)
    ),
    "insufficient_scope": lambda upload, _, issuer: upload(token=issuer.mint(scope="read:timesheets")),
    "not_found": lambda _, client, issuer: client.get(
        "/timesheets/14", headers={"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    ),
    "method_not_allowed": lambda _, client, issuer: client.put(
        "/timesheets/upload", headers={"Authorization": f"Bearer {issuer.mint()}"}
    ),
    "not_acceptable": lambda upload, *_: upload(headers={"Accept": "image/png"}),
    "conflict": lambda upload, *_: [
        upload({**TUTORIAL_ENTRY, "entry_id": "a", "hours": hours}) for hours in (5, 6)
    ][1],
    "length_required": lambda upload, *_: upload(CONTENT_LENGTH=""),
    "too_large": lambda upload, *_: upload([0] * (MAX_ENTRIES + 1)),
    "unsupported_media_type": lambda upload, *_: upload(content_type="text/plain"),
    "invalid_entry": lambda upload, *_: upload(INVALID_ENTRY),
    "batch_refused": lambda upload, *_: upload(MANY_ENTRIES, path="/timesheets/upload?atomic=true"),
}
# Those that need something broken are provoked elsewhere; here their words are compared.
BROKEN = {
    "throttled": exceptions.Throttled.default_detail,
    "internal_server_error": "Server got itself in trouble.",
    "issuer_unavailable": exceptions.IssuerUnavailable.default_detail,
    "database_unavailable": exceptions.DatabaseUnavailable.default_detail,
    "overloaded": exceptions.Overloaded.default_detail,
}


@pytest.mark.parametrize("code", PROVOKED)
def test_a_problem_is_worded_as_shown(upload: Upload, client: Any, issuer: Issuer, code: str) -> None:
    response = PROVOKED[code](upload, client, issuer)

    assert even_out(response.json()) == even_out(PROBLEM_EXAMPLES[code])


def test_every_other_problem_that_is_shown_has_its_own_words() -> None:
    others = {code: problem for code, problem in PROBLEM_EXAMPLES.items() if code not in PROVOKED}

    assert {code: problem["detail"] for code, problem in others.items()} == BROKEN


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_that_is_shown_is_as_it_is_described(name: str) -> None:
    content = PROBLEMS[name]
    schema = {**content["schema"], "components": DESCRIPTION["components"]}

    assert content["examples"]
    for code, example in content["examples"].items():
        jsonschema.Draft202012Validator(schema).validate(example["value"])
        assert example["value"]["code"] == code


@pytest.mark.parametrize(
    ("status", "response"),
    [
        pytest.param(status, response, id=f"{operation['operationId']}-{status}")
        for methods in DESCRIPTION["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if "$ref" in response and status != "200"
    ],
)
def test_a_problem_is_shown_under_its_own_status(status: str, response: dict[str, Any]) -> None:
    shown = resolve(response)["content"][exceptions.PROBLEM_MEDIA_TYPE]["examples"]

    assert {example["value"]["status"] for example in shown.values()} == {int(status)}
