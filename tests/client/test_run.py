import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.client.conftest import MESSAGE, SECRET, Reply, Site, mint_token, token_document
from tests.client.runs import Run, run_client
from timesheets_client.errors import ExitStatus, Terminated


def raise_error(error: BaseException) -> str:
    raise error


def test_the_tutorials_entry_is_uploaded(site: Site) -> None:
    run = run_client(site.variables)

    assert (run.status, run.written, run.warned) == (ExitStatus.DONE, [MESSAGE], [])
    _, upload = site.received
    assert json.loads(upload.body) == {
        "user_id": "007",
        "date": "2017-05-10T17:40:20.095Z",
        "project": "StoreZero",
        "hours": 5,
    }
    assert upload.headers["Authorization"] == f"Bearer {site.token}"
    assert upload.headers["Idempotency-Key"] == "key-1"


def test_without_a_file_only_the_example_that_is_asked_for_is_uploaded(site: Site) -> None:
    run = Run()

    status = run.start(site.variables, uploads_example=False)

    assert (status, site.received) == (ExitStatus.USAGE, [])
    assert run.warned == ["name the FILE to upload; --example uploads the tutorial's one entry instead"]


def test_a_quiet_run_does_not_report_a_retry_that_succeeds(site: Site) -> None:
    replies = [Reply(status=503), Reply(status=201, body={"message": MESSAGE})]
    site.replies["/timesheets/upload"] = lambda _: replies.pop(0)
    run = run_client(site.variables, verbosity=0)

    assert (run.status, run.warned, len(run.slept)) == (ExitStatus.DONE, [], 1)


def start_while_a_token_expires(site: Site, later: Reply) -> Run:
    """A run to which the API says once that it is busy, for longer than the token is valid."""
    begin, run = int(time.time()), Run()
    run.wall_clock = lambda: begin + sum(run.slept)
    first = token_document(mint_token(iat=begin, exp=begin + 60, jti="1"))
    grants, busy = [Reply(status=200, body=first)], [Reply(status=503, headers={"Retry-After": "100"})]
    stored = Reply(status=201, body={"message": MESSAGE})
    site.replies["/oauth/token"] = lambda _: grants.pop() if grants else later
    site.replies["/timesheets/upload"] = lambda _: busy.pop() if busy else stored
    run.start(site.variables, retries=1)
    return run


def test_a_token_that_expires_while_the_api_is_busy_is_renewed_before_the_next_try(site: Site) -> None:
    renewed = mint_token(jti="2")

    run = start_while_a_token_expires(site, Reply(status=200, body=token_document(renewed)))

    assert run.slept == [100.5]
    assert run.written == [MESSAGE]
    assert site.received[-1].headers["Authorization"] == f"Bearer {renewed}"


def test_an_issuer_that_is_down_then_has_retries_of_its_own(site: Site) -> None:
    run = start_while_a_token_expires(site, Reply(status=503))

    assert run.slept == [100.5, 0.5]
    assert "no token for now: 503" in run.warned[-1]
    assert site.count("/timesheets/upload") == 1


@pytest.mark.parametrize("path", ["/oauth/token", "/timesheets/upload"])
def test_a_run_ends_at_its_deadline(site: Site, path: str) -> None:
    site.replies[path] = Reply(status=503, headers={"Retry-After": "1"})
    run = Run()
    run.monotonic = lambda: sum(run.slept)

    status = run.start(site.variables, deadline_seconds=1.8)

    assert status == ExitStatus.TEMPORARY
    assert sum(run.slept) < 1.8
    assert path in run.warned[-1]


def test_the_quota_is_shown_if_the_issuer_refuses(site: Site) -> None:
    site.replies["/oauth/token"] = Reply(status=403, headers={"Auth0-Client-Quota-Limit": "r=0"})
    run = run_client(site.variables, verbosity=2)

    assert run.warned[0] == "the issuer's quota for this client: r=0"


def test_an_unrequested_dry_run_is_not_reported_as_created(site: Site) -> None:
    site.replies["/timesheets/upload"] = Reply(status=200, body={"message": MESSAGE, "dry_run": True})
    run = Run()

    assert run.start(site.variables) == ExitStatus.CONFIGURATION
    assert run.written == []


@pytest.mark.parametrize(
    ("path", "reply", "expected"),
    [
        *(
            pytest.param("/oauth/token", Reply(status=200, body=token_document(token)), expected, id=reason)
            for token, expected, reason in (
                ("opaque", 78, "no JWT"),
                (mint_token(aud="https://other.example.com"), 78, "another audience"),
                (mint_token(scope="read:timesheets"), 77, "scope missing"),
            )
        ),
        pytest.param("/oauth/token", Reply(status=401), 77, id="issuer refuses"),
        pytest.param("/oauth/token", Reply(status=503), 75, id="issuer busy"),
        pytest.param("/oauth/token", Reply(status=404), 78, id="no issuer"),
        pytest.param("/timesheets/upload", Reply(status=422, body={"detail": "Invalid."}), 65, id="rejected"),
        pytest.param("/timesheets/upload", Reply(status=503), 75, id="API busy"),
        pytest.param("/timesheets/upload", Reply(status=401), 77, id="API refuses the token"),
        pytest.param("/timesheets/upload", Reply(status=403), 77, id="API refuses the scope"),
        pytest.param("/timesheets/upload", Reply(status=404), 78, id="no API"),
    ],
)
def test_each_failure_has_its_exit_status(site: Site, path: str, reply: Reply, expected: int) -> None:
    site.replies[path] = reply
    run = run_client(site.variables)

    assert run.status == expected
    assert run.written == []
    assert len([line for line in run.warned if not line.startswith("waiting ")]) == 1
    # An unusable token is not sent to the API.
    assert path == "/timesheets/upload" or site.count("/timesheets/upload") == 0


@pytest.mark.parametrize(
    ("options", "scopes", "missing"),
    [
        pytest.param({"is_correction": True}, "batch:upload read:timesheets", "scope correct", id="correct"),
        pytest.param({"withdrawal": 17}, "batch:upload", "scope correct:timesheets, read", id="withdraw"),
        pytest.param(
            {"replaced_days": ("2026-06-01", "2026-06-30")},
            "batch:upload correct:timesheets",
            "scope read",
            id="replace",
        ),
    ],
)
def test_without_its_scopes_a_correction_reads_and_sends_nothing(
    site: Site, options: dict[str, Any], scopes: str, missing: str
) -> None:
    token = mint_token(scope=scopes)
    site.replies["/oauth/token"] = Reply(status=200, body=token_document(token))
    files = [] if "withdrawal" in options else ["missing.csv"]
    run = run_client(site.variables, *files, reason="late", **options)

    assert (run.status, site.count("/oauth/token"), len(site.received)) == (ExitStatus.REFUSED, 1, 1)
    assert f"lacks the {missing}:timesheets (its scopes: {scopes}); grant " in run.warned[0]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ZeroDivisionError(), 1, id="bug"),
        pytest.param(KeyboardInterrupt(), 130, id="SIGINT"),
        pytest.param(Terminated(), 143, id="SIGTERM"),
    ],
)
def test_bugs_and_signals_have_their_exit_statuses(site: Site, error: BaseException, expected: int) -> None:
    run = Run(make_key=lambda: raise_error(error))

    assert run.start(site.variables) == expected


def test_the_report_of_a_bug_omits_its_message_and_a_traceback_shows_where_it_is(site: Site) -> None:
    report, traceback = (
        run_client(site.variables, with_traceback=shown, make_key=lambda: raise_error(ValueError(SECRET)))
        for shown in (False, True)
    )

    assert report.warned == [
        "upload_timesheet has a bug: ValueError. --traceback shows where; please report it."
    ]
    assert "in perform" in traceback.warned[-1]
    assert SECRET not in traceback.output


def echo(status: int, text: str, headers: dict[str, str]) -> Reply:
    """A reply that repeats `text` in every place that the client may quote."""
    members = ("error", "error_description", "code", "detail", "message", "token_type", "title")
    return Reply(
        status=status,
        body=dict.fromkeys(members, f"sent: {text}") | {"errors": {text: [text], "hours": text}},
        headers=headers,
    )


@pytest.fixture
def run_with_output(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Starts a run, and returns all that it says anywhere."""
    caplog.set_level(logging.DEBUG)

    def start(**variables: str) -> str:
        run = run_client(site.variables | variables, verbosity=3, with_traceback=True)
        assert run.output
        return "\n".join([run.output, caplog.text, *capfd.readouterr()])

    return start


STATUSES = (200, 201, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("path", ["/oauth/token", "/timesheets/upload"])
def test_what_a_server_echoes_is_not_printed(
    site: Site, path: str, status: int, run_with_output: Callable[..., str]
) -> None:
    sent = SECRET if path == "/oauth/token" else site.token
    site.replies[path] = echo(status, sent, {"Location": f"{site.address}/{sent}", "X-Echo": sent})

    output = run_with_output()

    # A long text is cut, so look for its beginning.
    assert site.token[:40] not in output
    assert SECRET not in output


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": SECRET}, id="in the audience"),
        pytest.param({"scope": SECRET}, id="in the scope"),
        pytest.param({"scope": f"batch:upload {SECRET}"}, id="in a granted scope"),
    ],
)
def test_a_secret_in_the_token_is_not_printed(
    site: Site, claims: dict[str, str], run_with_output: Callable[..., str]
) -> None:
    site.replies["/oauth/token"] = Reply(status=200, body=token_document(mint_token(**claims)))
    site.replies["/timesheets/upload"] = Reply(status=403, body={"detail": "No."})

    assert SECRET not in run_with_output()


def test_a_refused_connection_does_not_print_the_secret(
    site: Site, run_with_output: Callable[..., str]
) -> None:
    output = run_with_output(TIMESHEETS_API_URL="http://127.0.0.1:1")

    assert "http://127.0.0.1:1/timesheets/upload: no connection" in output
    assert SECRET not in output
    assert site.token not in output
