import re
from collections.abc import Mapping

import pytest

from tests.client.clocks import FakeClock
from tests.client.conftest import Reply, Site, mint_token
from timesheets_client.access.issued_tokens import AccessToken
from timesheets_client.errors import (
    AccessRefused,
    AnswerLost,
    ConfigurationError,
    NothingSent,
    TemporaryFailure,
)
from timesheets_client.network.exchange import Timeouts, open_session
from timesheets_client.network.messages import Answer, Content
from timesheets_client.network.retries import RetryPolicy
from timesheets_client.sending.client import ApiClient, UploadRequest

REFUSED = {"code": "invalid_token", "detail": "The access token expired."}
FORBIDDEN = {"code": "insufficient_scope", "detail": "No."}
STORED = Reply(status=207, body={"received": 0})


def make_token(value: str = "", *, is_from_cache: bool = False) -> AccessToken:
    return AccessToken(
        value=value or mint_token(), scopes="batch:upload", is_from_cache=is_from_cache, expires_at=2e9
    )


class Tokens:
    """A token source with these tokens, one after another."""

    def __init__(self, *tokens: AccessToken) -> None:
        self.tokens = list(tokens)

    def obtain(self) -> AccessToken:
        return self.tokens[0]

    def replace(self, refused: AccessToken) -> AccessToken:
        assert self.tokens.pop(0) == refused
        return self.tokens[0]


class Caller:
    """A client of a site that sends these replies in turn. Records how long it sleeps."""

    def __init__(
        self,
        site: Site,
        *replies: Reply,
        tokens: Tokens | None = None,
        deadline_seconds: float | None = None,
        address: str = "",
    ) -> None:
        self.fake_clock = FakeClock()
        self._site, self._replies = site, list(replies)
        deadline = None if deadline_seconds is None else self.fake_clock.now + deadline_seconds
        self._session = open_session()
        self._client = ApiClient(
            f"{address or site.address}/timesheets/upload",
            self._session,
            tokens or Tokens(make_token(), make_token("other")),  # type: ignore[arg-type]
            Timeouts(),
            RetryPolicy(retries=2, deadline=deadline),
            self.fake_clock.clock,
        )
        site.replies["/timesheets/upload"] = lambda _: self._replies.pop(0)

    def upload(self, *, is_repeatable: bool = True, **headers: str) -> Answer:
        request = UploadRequest(
            content=Content(body=b"entries", headers={"Content-Type": "application/x-ndjson"}),
            headers=headers,
            parameters={"dry_run": "true"},
            is_repeatable=is_repeatable,
        )
        with self._session:
            return self._client.upload(request)

    @property
    def slept(self) -> list[float]:
        return self.fake_clock.slept

    @property
    def tokens_sent(self) -> list[str]:
        return [received.headers["Authorization"].removeprefix("Bearer ") for received in self._site.received]


def test_a_request_has_content_token_headers_and_parameters(site: Site) -> None:
    caller = Caller(site, STORED)

    answer = caller.upload(Prefer="return=minimal")

    [received] = site.received
    assert answer.status == 207
    assert (received.path, received.body) == ("/timesheets/upload?dry_run=true", b"entries")
    assert received.headers["Content-Type"] == "application/x-ndjson"
    assert received.headers["Prefer"] == "return=minimal"
    assert received.headers["Authorization"].startswith("Bearer eyJ")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_request_to_a_busy_api_is_retried(site: Site, status: int) -> None:
    caller = Caller(site, Reply(status=status), STORED)

    assert caller.upload().status == 207
    assert caller.slept == [0.5]


def test_an_api_that_stays_busy_is_a_temporary_failure(site: Site) -> None:
    busy = Reply(status=503, body={"code": "issuer_unavailable", "detail": "No keys."})
    caller = Caller(site, busy, busy, busy)

    with pytest.raises(TemporaryFailure, match="503 issuer_unavailable: No keys; run it again later"):
        caller.upload()


def test_a_cached_token_that_is_refused_is_replaced_once(site: Site) -> None:
    kept, new = make_token("kept", is_from_cache=True), make_token("new")
    caller = Caller(site, Reply(status=401, body=REFUSED), STORED, tokens=Tokens(kept, new))

    assert caller.upload().status == 207
    assert caller.tokens_sent == ["kept", "new"]
    assert caller.slept == []


def test_a_new_token_that_is_refused_is_replaced_after_a_wait(site: Site) -> None:
    tokens = Tokens(make_token("new"), make_token("newer"))
    caller = Caller(site, Reply(status=401, body=REFUSED), STORED, tokens=tokens)

    assert caller.upload().status == 207
    assert caller.tokens_sent == ["new", "newer"]
    assert caller.slept == [30]
    [announced] = caller.fake_clock.announced
    assert announced == (
        f"waiting 30.0 s for the API: {site.address}/timesheets/upload: it refused a new token, and may not "
        "have seen the issuer's new key yet."
    )


def test_the_wait_for_new_keys_takes_half_the_time_to_the_deadline(site: Site) -> None:
    caller = Caller(site, Reply(status=401, body=REFUSED), STORED, deadline_seconds=5)

    assert caller.upload().status == 207
    assert caller.slept == [2.5]


def test_a_second_refused_token_ends_the_run(site: Site) -> None:
    caller = Caller(site, *[Reply(status=401, body=REFUSED)] * 2)

    with pytest.raises(AccessRefused, match="401 invalid_token: The access token expired; check that"):
        caller.upload()


def test_a_new_token_after_a_cached_one_gets_a_wait_for_new_keys(site: Site) -> None:
    refused = Reply(status=401, body=REFUSED)
    tokens = Tokens(make_token("kept", is_from_cache=True), make_token("new"))
    caller = Caller(site, refused, refused, refused, tokens=tokens)

    with pytest.raises(AccessRefused):
        caller.upload()
    assert caller.tokens_sent == ["kept", "new", "new"]
    assert caller.slept == [30]


def test_a_token_that_expires_during_the_run_is_replaced_without_a_wait(site: Site) -> None:
    refused = Reply(status=401, body=REFUSED)
    tokens = Tokens(*map(make_token, ("first", "second", "third")))
    caller = Caller(site, STORED, refused, STORED, refused, STORED, tokens=tokens)

    for _ in range(3):
        assert caller.upload().status == 207

    assert caller.tokens_sent == ["first", "first", "second", "second", "third"]
    assert caller.slept == []


def test_the_replacement_of_an_accepted_token_gets_one_wait_for_new_keys(site: Site) -> None:
    refused = Reply(status=401, body=REFUSED)
    tokens = Tokens(make_token("first"), make_token("second"))
    caller = Caller(site, STORED, refused, refused, refused, tokens=tokens)
    caller.upload()

    with pytest.raises(AccessRefused):
        caller.upload()

    assert caller.tokens_sent == ["first", "first", "second", "second"]
    assert caller.slept == [30]


def test_an_accepted_token_that_loses_its_scope_is_not_replaced(site: Site) -> None:
    caller = Caller(site, STORED, Reply(status=403, body=FORBIDDEN))
    caller.upload()

    with pytest.raises(AccessRefused):
        caller.upload()


def test_a_cached_token_without_the_scope_is_replaced_once(site: Site) -> None:
    kept, new = make_token("kept", is_from_cache=True), make_token("new")
    caller = Caller(site, Reply(status=403, body=FORBIDDEN), STORED, tokens=Tokens(kept, new))

    assert caller.upload().status == 207
    assert caller.tokens_sent == ["kept", "new"]


def test_a_new_token_without_the_scope_ends_the_run_at_once(site: Site) -> None:
    caller = Caller(site, Reply(status=403, body=FORBIDDEN))

    with pytest.raises(AccessRefused, match="403 insufficient_scope: No; the access token's scopes: batch"):
        caller.upload()
    assert caller.slept == []


def test_a_token_that_the_api_cannot_parse_ends_the_run(site: Site) -> None:
    caller = Caller(site, Reply(status=400, body={"code": "invalid_request"}))

    with pytest.raises(AccessRefused, match="upload refused: 400 invalid_request"):
        caller.upload()


@pytest.mark.parametrize("status", [204, 302, 404, 405, 410, 418])
def test_a_status_that_the_api_never_sends_is_a_wrong_address(site: Site, status: int) -> None:
    caller = Caller(site, Reply(status=status, body=b"" if status == 204 else b"<html>"))

    problem = f"not a response from the Timesheets API: {status}; check TIMESHEETS_API_URL"
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        caller.upload()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(500, {"code": "internal_server_error"}, id="bug"),
        pytest.param(502, {}, id="proxy"),
        pytest.param(503, {}, id="a proxy's 503"),
        pytest.param(503, {"code": "database_unavailable"}, id="a database lost at its commit"),
        pytest.param(504, {}, id="a proxy's timeout"),
    ],
)
def test_a_request_that_may_be_stored_twice_is_not_sent_again(
    site: Site, status: int, body: Mapping[str, str]
) -> None:
    caller = Caller(site, Reply(status=status, body=dict(body)), STORED)

    with pytest.raises(AnswerLost):
        caller.upload(is_repeatable=False)
    assert len(site.received) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(429, {}, id="too many"),
        pytest.param(503, {"code": "issuer_unavailable"}, id="no keys"),
        pytest.param(503, {"code": "overloaded"}, id="overloaded"),
    ],
)
def test_a_request_that_was_not_accepted_is_sent_again_without_ids(
    site: Site, status: int, body: Mapping[str, str]
) -> None:
    caller = Caller(site, Reply(status=status, body=dict(body)), STORED)

    assert caller.upload(is_repeatable=False).status == 207


def test_a_failed_connection_leaves_no_doubt(site: Site) -> None:
    caller = Caller(site, address="http://127.0.0.1:1")

    with pytest.raises(NothingSent):
        caller.upload(is_repeatable=False)
    assert len(caller.slept) == 2
