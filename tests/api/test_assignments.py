"""A client with a list of assignments, as the operator sets it and as the API answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.api.conftest import Upload, UploadMany, make_entry, status_and_code
from tests.api.formats import Format, every_format
from tests.api.pages import Open
from tests.api.reading import Read
from tests.kit.issuer import Issuer
from tests.storage.entries import make_entry as make_entry_of_storage
from timesheets.models import AssignmentList, Rejection, Timesheet

LIST = "user_id,project,from,to,hours_per_week\n007,StoreZero,2017-01-01,,40\n,Support,,2017-12-31,\n"
Run = Callable[..., str]


@pytest.fixture
def lister() -> str:
    """A client of this test alone, because processes remember lists for two seconds."""
    return f"lister-{uuid4()}"


@pytest.fixture
def run(tmp_path: Path, issuer: Issuer, db: None) -> Run:
    """Run an action of the command for a client. Returns what it prints."""

    def call(action: str, client: str, *options: str, content: str | bytes | None = None) -> str:
        output = StringIO()
        if content is not None:
            file = tmp_path / "list.csv"
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            options = (str(file), *options)
        call_command("assignments", action, client, *options, stdout=output)
        return output.getvalue()

    return call


def test_a_client_reads_its_own_list(run: Run, read: Read, issuer: Issuer, lister: str) -> None:
    run("set", lister, content=LIST)
    scopes = ("batch:upload", "read:timesheets")

    responses = [read("/assignments", token=issuer.mint(azp=lister, scope=scope)) for scope in scopes]

    [stored] = AssignmentList.objects.all()
    assert [response.status_code for response in responses] == [200, 200]
    body = responses[0].json()
    assert (body["id"], datetime.fromisoformat(body["at"])) == (stored.pk, stored.decided_at)
    assert body["at"].endswith("Z")
    empty = dict.fromkeys(("user_id", "from", "hours_per_week"))
    assert body["assignments"] == [
        {
            "user_id": "007",
            "project": "StoreZero",
            "from": "2017-01-01",
            "to": None,
            "hours_per_week": "40.00",
        },
        {**empty, "project": "Support", "to": "2017-12-31"},
    ]


def test_the_list_as_csv_is_one_that_can_be_set(run: Run, read: Read, issuer: Issuer, lister: str) -> None:
    run("set", lister, content=LIST)

    response = read("/assignments", token=issuer.mint(azp=lister), Accept="text/csv")

    assert response.content.decode() == LIST.replace(",40\n", ",40.00\n").replace("\n", "\r\n")
    assert "would have 2 rows" in run("set", lister, "--dry-run", content=response.content)


def test_a_client_without_a_list_may_upload_everything(read: Read, issuer: Issuer) -> None:
    response = read("/assignments", token=issuer.mint(azp="free"))

    assert response.json() == {"id": None, "at": None, "assignments": None}
    csv = read("/assignments", token=issuer.mint(azp="free"), Accept="text/csv")
    assert csv.content.decode() == "user_id,project,from,to,hours_per_week\r\n"


@pytest.mark.parametrize(
    ("path", "scope", "answer"),
    [
        ("/assignments", "correct:timesheets", (403, "insufficient_scope")),
        ("/assignments?client=other", "batch:upload", (400, "invalid_parameter")),
    ],
)
def test_a_request_that_is_refused(
    read: Read, issuer: Issuer, path: str, scope: str, answer: tuple[int, str]
) -> None:
    assert status_and_code(read(path, token=issuer.mint(scope=scope))) == answer


def test_an_entry_outside_is_refused_with_one_error(
    upload: Upload, run: Run, issuer: Issuer, lister: str
) -> None:
    run("set", lister, content=LIST)
    token = issuer.mint(azp=lister)

    responses = [upload(make_entry(**change), token=token) for change in ({}, {"project": "Own"})]

    assert [response.status_code for response in responses] == [201, 422]
    problem = responses[1].json()
    assert problem["code"] == "not_assigned"
    words = "This client may not add hours of this employee on this project. Ask the operator of this API."
    assert problem["errors"] == {"project": [words]}


@every_format
def test_a_batch_stores_what_is_inside_and_its_receipt_keeps_the_rest(
    upload_many: UploadMany, run: Run, issuer: Issuer, batch_format: Format, lister: str
) -> None:
    run("set", lister, content=LIST)
    entries = [
        make_entry(hours="5"),
        make_entry(hours="5", project="Own"),
        make_entry(hours="5", user_id="8"),
    ]

    response = upload_many(entries, batch_format, token=issuer.mint(azp=lister))

    verdicts = [
        (item["status"], item.get("code"), [*item.get("errors", {})]) for item in response.json()["entries"]
    ]
    outside = (422, "not_assigned", ["project"])
    assert verdicts == [(201, None, []), outside, outside]
    assert [row.code for row in Rejection.objects.order_by("index")] == ["not_assigned"] * 2


@pytest.mark.parametrize(
    ("query", "status", "stored"), [("?atomic=true", 422, 0), ("?dry_run=true", 200, 0), ("", 207, 1)]
)
def test_atomic_batches_and_dry_runs_show_it(
    upload_many: UploadMany, run: Run, issuer: Issuer, query: str, status: int, stored: int, lister: str
) -> None:
    run("set", lister, content=LIST)

    response = upload_many(
        [make_entry(), make_entry(project="Own")], query=query, token=issuer.mint(azp=lister)
    )

    assert response.status_code == status
    assert response.json()["entries"][1]["code"] == "not_assigned"
    assert Timesheet.objects.count() == stored


def test_a_missing_scope_and_a_missing_reason_come_first(
    upload_many: UploadMany, store: Callable[..., list[int]], run: Run, issuer: Issuer, lister: str
) -> None:
    store(make_entry_of_storage("a"), client_id=lister)
    run("set", lister, content="user_id\n")
    changed = make_entry(entry_id="a", hours=9)

    items = [
        upload_many([{**changed, **more}], query="?correct=true", token=issuer.mint(azp=lister)).json()
        for more in ({}, {"reason": "why"})
    ]

    found = [each["entries"][0] for each in items]
    assert [(item["status"], [*item["errors"]]) for item in found] == [(422, ["reason"]), (403, ["revision"])]


def test_required_lists_refuse_a_client_without_one(upload: Upload, issuer: Issuer, settings: Any) -> None:
    settings.TIMESHEETS_ASSIGNMENTS = "required"

    response = upload(token=issuer.mint(azp="free"))

    assert status_and_code(response) == (422, "not_assigned")
    assert [*response.json()["errors"]] == ["user_id"]


@pytest.mark.parametrize(
    ("limits", "date", "status"),
    [
        ((0, 0), "today", 201),
        ((None, 0), "2206-01-01", 422),
        ((30, None), "2017-05-10", 422),
        ((None, 0), "2017-05-10", 201),
        ((30, None), "2206-01-01", 201),
    ],
)
def test_the_window_limits_the_days(
    upload: Upload, settings: Any, limits: tuple[int | None, int | None], date: str, status: int
) -> None:
    settings.TIMESHEETS_MAX_AGE_DAYS, settings.TIMESHEETS_MAX_AHEAD_DAYS = limits
    day = f"{datetime.now(UTC):%Y-%m-%d}" if date == "today" else date

    response = upload(make_entry(date=day))

    assert response.status_code == status
    if status == 422:
        assert (response.json()["code"], [*response.json()["errors"]]) == ("outside_window", ["date"])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (LIST, "2 assignments"),
        ("user_id\n", "This client may add no hours."),
        (None, "keeps no list"),
        ("user_id\n" + "".join(f"{n}\n" for n in range(501)), "The first 200 are shown."),
    ],
    ids=["list", "empty", "none", "long"],
)
def test_the_page_shows_the_list(show: Open, run: Run, content: str | None, text: str) -> None:
    if content is not None:
        run("set", "paged", content=content)

    response = show("/assignments", azp="paged")

    assert response.status_code == 200
    assert text in response.content.decode()
    assert len(response.content) < 100_000


def test_a_file_that_was_set_before_adds_nothing(run: Run, lister: str) -> None:
    first, again = run("set", lister, content=LIST), run("set", lister, content=LIST)

    [stored] = AssignmentList.objects.all()
    assert first == f"{lister} has list {stored.pk} with 2 rows from now on.\n"
    assert again == f"{lister} has this list already: {stored.pk}.\n"
    assert stored.decided_by


def test_a_file_with_errors_changes_nothing(run: Run, lister: str) -> None:
    with pytest.raises(CommandError) as refused:
        run("set", lister, content="user_id,from\n007,May\n008,June\n")

    assert refused.value.returncode == 65
    first, second, last = str(refused.value).splitlines()
    assert "list.csv:2: from: is not a date" in first
    assert "list.csv:3: from: is not a date" in second
    assert last == "Nothing was changed."
    assert not AssignmentList.objects.exists()


def test_a_list_is_shown_changed_and_removed_and_its_history_stays(run: Run, lister: str) -> None:
    assert run("show", lister) == f"{lister} has no list.\n"
    run("set", lister, content=LIST)
    assert run("show", lister) == LIST
    changed = LIST.replace("007,StoreZero", "008,StoreZero")
    assert run("set", lister, "--dry-run", content=changed).splitlines() == [
        "- 007,StoreZero,2017-01-01,,40",
        "+ 008,StoreZero,2017-01-01,,40",
        f"{lister} would have 2 rows. Nothing was changed.",
    ]
    assert run("show", lister, "--organization", "org_acme") == f"{lister} has no list.\n"
    assert run("remove", lister) == f"{lister} has no list from now on.\n"
    assert run("show", lister) == f"{lister} has no list.\n"
    assert [line.split()[3] for line in run("history", lister).splitlines()[1:]] == ["removed", "2"]


def test_the_check_lists_what_the_list_would_refuse(
    run: Run, upload_many: UploadMany, correct_many: UploadMany, issuer: Issuer, lister: str
) -> None:
    token = issuer.mint(azp=lister, scope="batch:upload correct:timesheets")
    outside = [make_entry(entry_id=f"{n}", user_id="9", date=f"2017-05-0{n}") for n in (1, 2, 3)]
    withdrawn = {**outside[2], "revision": 2, "reason": "twice", "hours": 0}
    upload_many([make_entry(), *outside, withdrawn], token=token)
    assert run("check", lister) == f"{lister} has no list.\n"
    run("set", lister, content=LIST)

    def check(*options: str) -> tuple[list[str], int]:
        output = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("assignments", "check", lister, *options, stdout=output)
        return output.getvalue().splitlines(), int(ended.value.code or 0)

    (first, second, summary), status = check()

    assert status == 65
    assert first.split()[1:] == ["9", "2017-05-01", "StoreZero", "5.00:", "project"]
    assert "2017-05-02" in second
    assert f"would refuse 2 current entries of {lister}" in summary
    assert len(check("--since", "2017-05-02")[0]) == 2
    run("set", lister, content="user_id\n007\n9\n")
    assert "would refuse 0 current entries" in run("check", lister)
