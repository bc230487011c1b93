"""The examples in the OpenAPI description match what the API does."""

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from tests.api.conftest import TUTORIAL_ENTRY, Upload
from tests.api.formats import NDJSON
from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from timesheets import exceptions
from timesheets.openapi.views import read_description
from timesheets.parsers import MAX_ENTRIES

DESCRIPTION = read_description()
OPERATION = DESCRIPTION["paths"]["/timesheets/upload"]["post"]
LIST = DESCRIPTION["paths"]["/timesheets"]["get"]
RETRIEVE = DESCRIPTION["paths"]["/timesheets/{timesheet_id}"]["get"]
LIST_REJECTIONS = DESCRIPTION["paths"]["/uploads/{upload_id}/rejections"]["get"]
LIST_UPLOADS = DESCRIPTION["paths"]["/uploads"]["get"]
RETRIEVE_UPLOAD = DESCRIPTION["paths"]["/uploads/{upload_id}"]["get"]
PROBLEMS = {
    name: response["content"][exceptions.PROBLEM_MEDIA_TYPE]
    for name, response in DESCRIPTION["components"]["responses"].items()
    if exceptions.PROBLEM_MEDIA_TYPE in response["content"]
}
PROBLEM_EXAMPLES = {
    code: example["value"] for content in PROBLEMS.values() for code, example in content["examples"].items()
}


def get_example(body: dict[str, Any], name: str, media_type: str = "application/json") -> Any:
    """Return the value of an example in a request's or a response's body."""
    return body["content"][media_type]["examples"][name]["value"]


def resolve(response: dict[str, Any]) -> dict[str, Any]:
    """Return the response itself, or the component that it refers to."""
    name = response.get("$ref", "").removeprefix("#/components/responses/")
    return DESCRIPTION["components"]["responses"][name] if name else response


ONE_ENTRY = get_example(OPERATION["requestBody"], "one")
STORED_ONCE = get_example(OPERATION["requestBody"], "oneWithId")
CORRECTION = get_example(OPERATION["requestBody"], "correction")
MANY_ENTRIES = get_example(OPERATION["requestBody"], "many")
INVALID_ENTRY = get_example(OPERATION["requestBody"], "invalid")
OK, CREATED, MULTI_STATUS = (OPERATION["responses"][status] for status in ("200", "201", "207"))

REQUESTS = [
    pytest.param(media_type, list(content["examples"].values())[: index + 1], id=f"{media_type}-{name}")
    for media_type, content in OPERATION["requestBody"]["content"].items()
    for index, name in enumerate(content["examples"])
]


def encode(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def normalize(body: Any) -> Any:
    """Return the body with fixed ids and times."""
    ids = r'("(?:id|supersedes|superseded_by|first_id|last_id)": |timesheet )\d+'
    text = re.sub(ids, r"\g<1>14", json.dumps(body))
    text = re.sub(r'("request_id": )"\w+"', r'\1"-"', text)
    return json.loads(re.sub(r'("received_at": )"[^"]+"', r'\1"-"', text))


def send_in_order(
    upload: Upload, issuer: Issuer, media_type: str, examples: list[dict[str, Any]]
) -> ClientResponse:
    """Send the examples, of which some correct earlier ones, and return the last response."""
    token = issuer.mint(scope="batch:upload correct:timesheets")
    return [upload(encode(each["value"]), content_type=media_type, token=token) for each in examples][-1]


@pytest.mark.parametrize(("media_type", "examples"), REQUESTS)
def test_an_example_request_gets_the_status_in_its_summary(
    upload: Upload, issuer: Issuer, media_type: str, examples: list[dict[str, Any]]
) -> None:
    response = send_in_order(upload, issuer, media_type, examples)

    assert examples[-1]["summary"].endswith(f": {response.status_code}")


@pytest.mark.parametrize(("media_type", "examples"), REQUESTS)
def test_an_example_request_gets_a_response_as_described(
    upload: Upload, issuer: Issuer, media_type: str, examples: list[dict[str, Any]]
) -> None:
    response = send_in_order(upload, issuer, media_type, examples)

    described = resolve(OPERATION["responses"][str(response.status_code)])
    schema = described["content"][response.headers["Content-Type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(
        response.json()
    )
    assert set(described["headers"]) - set(response.headers) <= {"Preference-Applied", "Idempotency-Replayed"}


def test_a_stored_entry_matches_its_example(upload: Upload) -> None:
    assert normalize(upload(ONE_ENTRY).json()) == get_example(CREATED, "created")


def test_an_existing_entry_matches_its_example(upload: Upload) -> None:
    upload(STORED_ONCE)

    response = upload(STORED_ONCE)

    assert response.status_code == 200
    assert normalize(response.json()) == get_example(OK, "existing")


def test_a_dry_run_matches_its_example(upload: Upload) -> None:
    one = upload(ONE_ENTRY, path="/timesheets/upload?dry_run=true")
    many = upload(MANY_ENTRIES, path="/timesheets/upload?dry_run=true")

    assert (one.status_code, one.json()) == (200, get_example(OK, "dryRun"))
    assert (many.status_code, many.json()) == (200, get_example(OK, "dryRunOfMany"))


def test_verdicts_match_their_examples(upload: Upload) -> None:
    whole = upload(MANY_ENTRIES)
    minimal = upload(
        NDJSON.write([{**entry, "entry_id": None} for entry in MANY_ENTRIES]),
        content_type=NDJSON.media_type,
        headers={"Prefer": "return=minimal"},
    )

    assert normalize(whole.json()) == normalize(get_example(MULTI_STATUS, "all"))
    assert minimal.json() == get_example(MULTI_STATUS, "minimal")


def test_a_correction_matches_its_examples(upload: Upload, issuer: Issuer) -> None:
    token = issuer.mint(scope="batch:upload correct:timesheets")
    upload(STORED_ONCE)

    corrected = upload(CORRECTION, token=token)
    superseded = upload(STORED_ONCE, token=token)

    assert (corrected.status_code, superseded.status_code) == (201, 200)
    assert normalize(corrected.json()) == normalize(get_example(CREATED, "corrected"))
    assert normalize(superseded.json()) == normalize(get_example(OK, "superseded"))


def test_verdicts_on_corrections_match_their_examples(upload: Upload, issuer: Issuer) -> None:
    token = issuer.mint(scope="batch:upload correct:timesheets")
    upload([STORED_ONCE, {**STORED_ONCE, "entry_id": "other"}])

    stored = upload([CORRECTION, {**CORRECTION, "entry_id": "other", "revision": 3}], token=token).json()
    refused = upload([{**CORRECTION, "revision": 3}]).json()

    example = get_example(MULTI_STATUS, "corrections")
    [third] = [{**verdict, "index": 2} for verdict in refused["entries"]]
    assert normalize([*stored["entries"], third]) == normalize(example["entries"])
    counts = [[each[name] for name in ("created", "rejected")] for each in (stored, refused, example)]
    assert counts == [[1, 1], [0, 1], [1, 2]]


def test_corrections_that_the_api_works_out_match_their_examples(upload: Upload, issuer: Issuer) -> None:
    token = issuer.mint(scope="batch:upload correct:timesheets")
    path = "/timesheets/upload?correct=true"
    upload([STORED_ONCE, {**STORED_ONCE, "entry_id": "other"}])
    correction = {**CORRECTION, "revision": None}
    entries = [correction, *({**STORED_ONCE, "entry_id": each} for each in ("other", "new"))]

    checked = upload(correction, path=f"{path}&dry_run=true", token=token)
    stored = upload(entries, path=path, token=token)

    assert normalize(checked.json()) == normalize(get_example(OK, "dryRunOfCorrection"))
    assert normalize(stored.json()) == normalize(get_example(MULTI_STATUS, "workedOut"))


def test_a_receipt_matches_its_examples(upload: Upload, client: Any, issuer: Issuer) -> None:
    read = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    before = client.get("/uploads", headers=read).json()
    body = encode(get_example(OPERATION["requestBody"], "rows", "text/csv"))
    uploaded = upload(body, content_type="text/csv", path="/timesheets/upload?label=week19.csv")

    page = client.get("/uploads", headers=read).json()
    one = client.get(uploaded.headers["Location"], headers=read).json()

    assert before == get_example(LIST_UPLOADS["responses"]["200"], "none")
    assert page == {"results": [one], "next": None}
    assert normalize(page) == normalize(get_example(LIST_UPLOADS["responses"]["200"], "last"))
    assert normalize(one) == normalize(get_example(RETRIEVE_UPLOAD["responses"]["200"], "one"))


def test_rejections_match_their_examples(upload: Upload, client: Any, issuer: Issuer) -> None:
    read = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    rows = (b"007,2017-05-10,StoreZero,5,a-1", b"007,2017-05-10,StoreZero,26,a-2", b"total")
    body = b"\n".join((b"user_id,date,project,hours,entry_id", *rows))
    path = f"{upload(body, content_type='text/csv').headers['Location']}/rejections"
    nothing = f"{upload([]).headers['Location']}/rejections"

    page, none = client.get(path, headers=read), client.get(nothing, headers=read)
    csv = client.get(path, headers={**read, "Accept": "text/csv"})

    response = LIST_REJECTIONS["responses"]["200"]
    assert page.json() == get_example(response, "last")
    assert none.json() == get_example(response, "none")
    assert csv.content.decode() == get_example(response, "rows", "text/csv")


def test_a_corrected_entry_that_is_read_matches_its_example(
    upload: Upload, client: Any, issuer: Issuer
) -> None:
    upload(STORED_ONCE)
    upload(CORRECTION, token=issuer.mint(scope="batch:upload correct:timesheets"))

    read = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    page = client.get("/timesheets", headers=read).json()

    assert normalize(page) == normalize(get_example(LIST["responses"]["200"], "corrected"))


def test_entries_that_are_read_match_their_examples(upload: Upload, client: Any, issuer: Issuer) -> None:
    read = {"Authorization": f"Bearer {issuer.mint(scope='read:timesheets')}"}
    before = client.get("/timesheets", headers=read).json()
    timesheet_id = upload(STORED_ONCE).json()["id"]

    page = client.get("/timesheets", headers=read).json()
    one = client.get(f"/timesheets/{timesheet_id}", headers=read).json()
    rows = client.get(f"/timesheets/{timesheet_id}", headers={**read, "Accept": "text/csv"}).content.decode()

    example = get_example(RETRIEVE["responses"]["200"], "rows", "text/csv")
    assert before == get_example(LIST["responses"]["200"], "none")
    assert normalize(page) == normalize(get_example(LIST["responses"]["200"], "last"))
    assert normalize(one) == normalize(get_example(RETRIEVE["responses"]["200"], "one"))
    assert rows.splitlines()[0] == example.splitlines()[0]
    assert rows.splitlines()[1].split(",")[1:-1] == example.splitlines()[1].split(",")[1:-1]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(content["schema"], example["value"], id=f"{operation['operationId']}-{status}-{name}")
        for methods in DESCRIPTION["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        for content in response.get("content", {}).values()
        for name, example in content["examples"].items()
    ],
)
def test_an_example_of_a_success_matches_its_schema(schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": DESCRIPTION["components"]}

    jsonschema.Draft202012Validator(whole).validate(value)


# A request that causes each code.
REQUESTS_BY_CODE: dict[str, Callable[[Upload, Any, Issuer], ClientResponse]] = {
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
    "revision_gap": lambda upload, _, issuer: [
        upload({**CORRECTION, **members}, token=issuer.mint(scope="batch:upload correct:timesheets"))
        for members in ({"revision": None, "reason": None}, {"revision": 3})
    ][1],
    "too_many_revisions": lambda upload, _, issuer: [
        upload(
            body,
            path=f"/timesheets/upload?{query}",
            token=issuer.mint(scope="batch:upload correct:timesheets"),
        )
        for body, query in (
            ([STORED_ONCE, *({**CORRECTION, "revision": number} for number in range(2, 1_001))], ""),
            (STORED_ONCE, "correct=true&reason=late"),
        )
    ][1],
    "length_required": lambda upload, *_: upload(CONTENT_LENGTH=""),
    "too_large": lambda upload, *_: upload([0] * (MAX_ENTRIES + 1)),
    "unsupported_media_type": lambda upload, *_: upload(content_type="text/plain"),
    "invalid_entry": lambda upload, *_: upload(INVALID_ENTRY),
    "control_totals": lambda upload, *_: upload(
        MANY_ENTRIES, path="/timesheets/upload?expect_entries=3&expect_hours=15.5"
    ),
    "batch_refused": lambda upload, *_: upload(MANY_ENTRIES, path="/timesheets/upload?atomic=true"),
}
# These need something broken. Other tests cause them; here only the texts are compared.
OTHER_DETAILS = {
    "throttled": exceptions.Throttled.default_detail,
    "internal_server_error": "Server got itself in trouble.",
    "issuer_unavailable": exceptions.IssuerUnavailable.default_detail,
    "database_unavailable": exceptions.DatabaseUnavailable.default_detail,
    "not_ready": exceptions.NotReady.default_detail,
    "overloaded": exceptions.Overloaded.default_detail,
}


@pytest.mark.parametrize("code", REQUESTS_BY_CODE)
def test_a_problem_matches_its_example(upload: Upload, client: Any, issuer: Issuer, code: str) -> None:
    response = REQUESTS_BY_CODE[code](upload, client, issuer)

    assert normalize(response.json()) == normalize(PROBLEM_EXAMPLES[code])


def test_every_other_example_of_a_problem_has_the_right_detail() -> None:
    others = {code: problem for code, problem in PROBLEM_EXAMPLES.items() if code not in REQUESTS_BY_CODE}

    assert {code: problem["detail"] for code, problem in others.items()} == OTHER_DETAILS


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_example_of_a_problem_matches_its_schema(name: str) -> None:
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
def test_an_example_of_a_problem_is_under_its_own_status(status: str, response: dict[str, Any]) -> None:
    examples = resolve(response)["content"][exceptions.PROBLEM_MEDIA_TYPE]["examples"]

    assert {example["value"]["status"] for example in examples.values()} == {int(status)}
