"""The OpenAPI description matches what the API does."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.conf import settings as django_settings
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.conftest import TUTORIAL_ENTRY, Upload
from tests.kit.processes import REPOSITORY
from timesheets import exceptions
from timesheets.parsers import LIMITS
from timesheets.renderers import CLIENT_COLUMNS, COLUMNS, CORRECTION_COLUMNS
from timesheets.urls import urlpatterns
from timesheets.views.list_options import DEFAULT_PAGE_SIZE
from timesheets.views.parameters import MAX_PAGE_SIZE, MAX_VALUES
from timesheets.views.service import read_description
from timesheets_files.limits import ENTRY_ID

# What only people use, and the metadata that its challenges link to.
PAGES_OF_PEOPLE = ("clients", "totals/download", "corrections", "people/week", "timesheets/download")
METADATA_OF_PEOPLE = {f".well-known/oauth-protected-resource/{path}" for path in PAGES_OF_PEOPLE}
# The pages, and the description itself.
PAGES = {
    "",
    "admin",
    "admin/",
    "sign-in",
    "sign-in/callback",
    "sign-out",
    "docs",
    "openapi.json",
    "metrics",
    *PAGES_OF_PEOPLE,
    *METADATA_OF_PEOPLE,
}


RUN_PATHS = ("/runs", "/runs/{run_label}", "/runs/{run_label}/lines")


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(read_description())
    return loaded


def find_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from find_references(item)


def is_valid(description: dict[str, Any], value: Any) -> bool:
    """Whether the value is an entry as described."""
    whole = {"$ref": "#/components/schemas/Entry", "components": description["components"]}
    formats = jsonschema.FormatChecker(["date"])
    return bool(jsonschema.Draft202012Validator(whole, format_checker=formats).is_valid(value))


def test_it_is_valid_openapi_3_1_of_the_projects_version(description: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(description).validate()

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert description["openapi"].startswith("3.1.")
    assert description["info"]["version"] == project["version"]


def test_every_reference_exists_and_every_component_is_used(description: dict[str, Any]) -> None:
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in description["components"].items()
        if kind != "securitySchemes"
        for name in named
    }

    assert set(find_references(description)) == components


def test_every_address_and_method_is_described(description: dict[str, Any]) -> None:
    routed = set()
    for pattern in urlpatterns:
        route = str(pattern.pattern)
        if route not in PAGES:
            view = getattr(pattern.callback, "cls", None)
            methods = set(view().allowed_methods) - {"OPTIONS"} if view else {"GET"}
            routed |= {(re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{route}"), method) for method in methods}

    described = {
        (path, method.upper()) for path, methods in description["paths"].items() for method in methods
    }
    assert described == routed


def test_every_operation_names_the_scope_that_it_requires(description: dict[str, Any]) -> None:
    scopes = {
        (path, method): operation["security"]
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if operation["security"]
    }

    reading = [{"bearer": ["read:all-timesheets"]}, {"bearer": ["read:timesheets"]}]
    upload = [{"bearer": ["batch:upload"]}, {"bearer": ["batch:upload", "correct:timesheets"]}]
    lists = ("/timesheets", "/uploads", "/uploads/{upload_id}/rejections")
    paths = (*lists, "/timesheets/{timesheet_id}", "/uploads/{upload_id}", "/missing", "/totals", *RUN_PATHS)
    assert scopes == {
        ("/timesheets/upload", "post"): upload,
        **{(path, "get"): reading for path in paths},
        ("/assignments", "get"): [reading[0], {"bearer": ["batch:upload"]}, reading[1]],
    }


def test_every_scope_is_explained(description: dict[str, Any]) -> None:
    operations = [each for methods in description["paths"].values() for each in methods.values()]
    required = {scope for each in operations for choice in each["security"] for scope in choice["bearer"]}

    explained = description["components"]["securitySchemes"]["bearer"]["description"]
    assert set(re.findall(r"^\| `(.+?)` \|", explained, re.MULTILINE)) == required


def test_every_problem_code_is_described(description: dict[str, Any]) -> None:
    classes = [each for each in vars(exceptions).values() if isinstance(each, type)]
    problems = [each for each in classes if issubclass(each, exceptions.Problem)]
    raised = {error.default_code for error in problems if error is not exceptions.Problem}

    others = "bad_request not_authenticated not_found method_not_allowed not_acceptable internal_server_error"
    described = set(description["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    assert raised < described
    assert described - raised == set(others.split())


# Requirements of generators that no test runs. docs/decisions.md names them and the reasons.


def test_the_type_of_200_contains_those_of_201_and_207(description: dict[str, Any]) -> None:
    responses = description["paths"]["/timesheets/upload"]["post"]["responses"]
    ok, *others = (responses[each]["content"]["application/json"]["schema"] for each in ("200", "201", "207"))

    assert ok == {"$ref": "#/components/schemas/UploadResult"}
    assert [each in description["components"]["schemas"]["UploadResult"]["oneOf"] for each in others] == [
        True
    ] * 2


def test_one_entry_and_an_entry_of_many_have_two_type_names(description: dict[str, Any]) -> None:
    one, many = description["components"]["schemas"]["Upload"]["oneOf"]

    assert one["$ref"] != many["items"]["$ref"]


def test_a_date_has_a_format_or_a_pattern_but_not_both(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]

    assert {"format", "pattern"} & schemas["Timestamp"].keys() == {"pattern"}
    for name in ("StoredEntry", "CheckedEntry", "ListedEntry"):
        assert {"format", "pattern"} & schemas[name]["properties"]["date"].keys() == {"format"}
    for name in ("ListedEntry", "Receipt"):
        assert {"format", "pattern"} & schemas[name]["properties"]["received_at"].keys() == {"format"}


def test_its_limits_match_the_api(description: dict[str, Any]) -> None:
    schemas, parameters = description["components"]["schemas"], description["components"]["parameters"]
    upload = description["paths"]["/timesheets/upload"]["post"]["description"]
    counts = [
        schemas[schema]["properties"][name]["maximum"]
        for schema in ("Report", "Receipt")
        for name in ("received", "created", "existing", "rejected")
    ]
    page_size = parameters["page_size"]["schema"]
    repeated = {parameters[name]["schema"]["maxItems"] for name in ("user_id", "project", "client")}
    patterns = {
        schemas["Entry"]["properties"]["entry_id"]["pattern"],
        *(parameters[name]["schema"]["pattern"] for name in ("entry_id", "upload_label", "label")),
    }

    assert schemas["Problem"]["properties"]["limits"]["properties"] == {
        name: {"type": "integer", "const": limit} for name, limit in LIMITS.items()
    }
    assert {schemas["Upload"]["oneOf"][1]["maxItems"], *counts} == {LIMITS["entries"]}
    assert schemas["Receipt"]["properties"]["bytes"]["maximum"] == LIMITS["bytes"]
    assert f"{LIMITS['entries']:,} entries, {LIMITS['bytes'] >> 20} MiB as sent" in upload
    assert f"{LIMITS['unzipped_bytes'] >> 20} MiB unzipped" in upload
    assert (page_size["default"], page_size["maximum"]) == (DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    assert repeated == {MAX_VALUES}
    assert patterns == {f"^{ENTRY_ID.pattern}$"}


def test_it_names_the_csv_columns(description: dict[str, Any]) -> None:
    content = description["paths"]["/timesheets"]["get"]["responses"]["200"]["content"]["text/csv"]

    *others, last = CORRECTION_COLUMNS
    owner = f"and with `read:all-timesheets` at the end {' and '.join(CLIENT_COLUMNS)}"
    added = f"With `fields=all`, the columns {', '.join(others)} and {last} follow, {owner}."
    assert content["schema"]["description"] == f"RFC 4180, with the columns {', '.join(COLUMNS)}. {added}"


DATES = """
2017-05-10 1900-01-01 2999-12-31 1899-12-31 3000-01-01 2017-02-29 2016-02-29 2017-13-01 2017-5-1
2017-05-10T17:40:20Z 2017-05-10t17:40:20z 2017-05-10T17:40:20.123456+02:00 2017-05-10T17:40:20.1234567Z
2017-05-10T23:59:60Z 2017-05-10T24:00:00Z 2017-05-10T17:40Z 2017-05-10T17:40:20 2017-05-10T17:40:20+24:00
2017-05-1\N{ARABIC-INDIC DIGIT ONE}
"""


ENTRIES: dict[str, list[Any]] = {
    "user_id": [
        *("0", " 7 ", "x" * 64, f" {'x' * 64}\n", "", " ", "x" * 65, "a\x00b", "a\x85b", 7, None, ["7"]),
    ],
    "project": ["\N{SNOWMAN}", "a b", "x" * 128, "x" * 129, "a\x7fb", "a\nb"],
    "date": [*DATES.split(), "2017-05-10 17:40:20Z", 20170510, None],
    "hours": [
        *(5, 0.5, 24, 24.5, 25, -1, 5.125, True, None, [5]),
        *("5", "05", "5.25", "5.250", "24", "24.00", "0.01", "00.5", "0.10"),
        *("0.001", "24.01", "25", "005", "5.", ".5", "5.125", "5,5", "+5", "1e1", " 5", ""),
    ],
    "entry_id": [None, "a", "x" * 128, "x" * 129, "", "a b", " a", 7],
    "revision": [1, None, 0, -1, 1_001, 1.5, True, "", [1]],
    "comment": ["late", None],
}


@pytest.mark.parametrize("member", ENTRIES)
def test_an_entry_is_accepted_as_described(upload: Upload, description: dict[str, Any], member: str) -> None:
    values = ENTRIES[member]
    entries = [{**TUTORIAL_ENTRY, member: value} for value in values]

    verdicts = upload(entries, path="/timesheets/upload?dry_run=true").json()["entries"]

    described = [201 if is_valid(description, entry) else 422 for entry in entries]
    assert dict(zip(map(repr, values), described, strict=True)) == {
        repr(value): verdict["status"] for value, verdict in zip(values, verdicts, strict=True)
    }


CORRECTIONS: dict[str, list[Any]] = {
    "hours": [0, 5, -1, "0", "00", "0.0", "00.00", "0.000", "0.001", "000"],
    "revision": [2, 1_000, 0, 1_001, 2.5, True, "two"],
    "reason": ["x" * 200, " x ", "x" * 201, "", " ", "a\nb", "a\x85b", 7, ["x"]],
}


@pytest.mark.parametrize("member", CORRECTIONS)
def test_a_correction_is_accepted_as_described(
    correct: Upload, description: dict[str, Any], member: str
) -> None:
    values = CORRECTIONS[member]
    entries = [{**TUTORIAL_ENTRY, "entry_id": f"a-{index}"} for index in range(len(values))]
    correct(entries)
    late = {"hours": 6, "revision": 2, "reason": "late"}
    corrections = [{**entry, **late, member: value} for entry, value in zip(entries, values, strict=True)]

    verdicts = correct(corrections).json()["entries"]

    described = [is_valid(description, correction) for correction in corrections]
    # 409: a revision is missing before this one.
    accepted = [verdict["status"] in {201, 409} for verdict in verdicts]
    assert list(zip(values, described, strict=True)) == list(zip(values, accepted, strict=True))


@pytest.mark.parametrize(
    "members", [{"hours": 0}, {"reason": "late"}, {"reason": "late", "revision": 1}, {"revision": 2}]
)
def test_a_rule_across_members_is_only_in_words(
    correct: Upload, description: dict[str, Any], members: dict[str, Any]
) -> None:
    entry = {**TUTORIAL_ENTRY, "entry_id": "a"}
    correct(entry)

    assert correct({**entry, **members}).status_code == 422
    assert is_valid(description, {**entry, **members})


@pytest.mark.parametrize("member", TUTORIAL_ENTRY)
def test_a_member_is_required_as_described(upload: Upload, description: dict[str, Any], member: str) -> None:
    entry = {name: value for name, value in TUTORIAL_ENTRY.items() if name != member}

    assert (upload(entry).status_code, is_valid(description, entry)) == (422, False)


def test_anyone_can_read_and_cache_it(client: Client, description: dict[str, Any]) -> None:
    response = client.get("/openapi.json", headers={"Authorization": "Bearer broken"})

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.json() == description
    assert client.head("/openapi.json").status_code == 200


def test_it_names_no_other_host_and_no_secret(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    text = client.get("/openapi.json", headers={"Host": "stranger.example"}).content.decode()

    description = json.loads(text)
    assert description.pop("servers") == [{"url": "https://timesheets.example.com"}]
    words = r"https?://|\bwww\.|127\.0\.0\.1|stranger|example\.com|secret"
    assert re.findall(words, json.dumps(description)) == []
    assert django_settings.SECRET_KEY not in text
