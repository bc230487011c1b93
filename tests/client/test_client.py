import math
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest

from tests.client.clocks import FakeClock
from tests.client.conftest import Reply, Site
from timesheets_client.access.issued_tokens import AccessToken
from timesheets_client.errors import (
    AccessRefused,
    AnswerLost,
    ConfigurationError,
    NothingSent,
)
from timesheets_client.network.exchange import Connection, open_session
from timesheets_client.network.messages import Answer, Message
from timesheets_client.sending.client import ApiClient

STORED = Reply(status=207, body={"received": 0})
REFUSED, FORBIDDEN = (
    Reply(status=status, body={"code": code, "detail": detail})
    for status, code, detail in (
        (401, "invalid_token", "The access token expired."),
        (403, "insufficient_scope", "No."),
    )
)


def make_token(name: str) -> AccessToken:
    is_from_cache = name == "kept"
    return AccessToken(
        value=name, scopes="batch:upload", is_from_cache=is_from_cache, expires_at=2e9, renew_at=2e9
    )


class Tokens:
    """A token source with these tokens, one after another. The one named `kept` is from the cache."""

    def __init__(self, *names: str) -> None:
        self.tokens = [make_token(name) for name in names]

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
        tokens: Sequence[str] = ("new", "newer"),
        deadline_seconds: float = math.inf,
        address: str = "",
    ) -> None:
        self.fake_clock = FakeClock()
        self._site, self._replies = site, list(replies)
        clock = replace(self.fake_clock.clock, deadline=self.fake_clock.now + deadline_seconds)
        self._session = open_session()
        self._client = ApiClient(
            f"{address or site.address}/timesheets/upload",
            Connection(session=self._session, clock=clock, retries=2),
            Tokens(*tokens),  # type: ignore[arg-type]
        )
        site.replies["/timesheets/upload"] = lambda _: self._replies.pop(0)

    def upload(self, *, is_repeatable: bool = True, **headers: str) -> Answer:
        message = Message(
            url=self._client.upload_url, parameters={"dry_run": "true"}, headers=headers, data=b"entries"
        )
        with self._session:
            return self._client.upload(message, is_repeatable=is_repeatable)

    @property
    def slept(self) -> list[float]:
        return self.fake_clock.slept

    @property
    def tokens_sent(self) -> list[str]:
        return [received.headers["Authorization"].removeprefix("Bearer ") for received in self._site.received]


def test_a_request_has_a_body_a_token_headers_and_parameters(site: Site) -> None:
    caller = Caller(site, STORED)

    answer = caller.upload(Prefer="return=minimal")

    [received] = site.received
    assert answer.status == 207
    assert (received.path, received.body) == ("/timesheets/upload?dry_run=true", b"entries")
    assert received.headers["Prefer"] == "return=minimal"
    assert received.headers["Authorization"] == "Bearer new"


@pytest.mark.parametrize("refusal", [REFUSED, FORBIDDEN], ids=["token", "scope"])
def test_a_cached_token_that_is_refused_is_replaced_once(site: Site, refusal: Reply) -> None:
    caller = Caller(site, refusal, STORED, tokens=("kept", "new"))

    assert caller.upload().status == 207
    assert caller.tokens_sent == ["kept", "new"]
    assert caller.slept == []


def test_a_new_token_that_is_refused_is_replaced_after_a_wait(site: Site) -> None:
    caller = Caller(site, REFUSED, STORED)

    assert caller.upload().status == 207
    assert caller.tokens_sent == ["new", "newer"]
    assert caller.slept == [30]
    [announced] = caller.fake_clock.announced
    assert announced == (
        f"waiting 30.0 s for the API: {site.address}/timesheets/upload: it refused a new token, and may not "
        "have seen the issuer's new key yet."
    )


def test_the_wait_for_new_keys_takes_half_the_time_to_the_deadline(site: Site) -> None:
    caller = Caller(site, REFUSED, STORED, deadline_seconds=5)

    assert caller.upload().status == 207
    assert caller.slept == [2.5]


def test_a_new_token_after_a_cached_one_gets_a_wait_for_new_keys(site: Site) -> None:
    caller = Caller(site, REFUSED, REFUSED, REFUSED, tokens=("kept", "new"))

    with pytest.raises(AccessRefused):
        caller.upload()
    assert caller.tokens_sent == ["kept", "new", "new"]
    assert caller.slept == [30]


def test_a_token_that_expires_during_the_run_is_replaced_without_a_wait(site: Site) -> None:
    replies = (STORED, REFUSED, STORED, REFUSED, STORED)
    caller = Caller(site, *replies, tokens=("first", "second", "third"))

    for _ in range(3):
        assert caller.upload().status == 207

    assert caller.tokens_sent == ["first", "first", "second", "second", "third"]
    assert caller.slept == []


def test_the_replacement_of_an_accepted_token_gets_one_wait_for_new_keys(site: Site) -> None:
    caller = Caller(site, STORED, REFUSED, REFUSED, REFUSED, tokens=("first", "second"))
    caller.upload()

    with pytest.raises(AccessRefused):
        caller.upload()

    assert caller.tokens_sent == ["first", "first", "second", "second"]
    assert caller.slept == [30]


def test_an_accepted_token_that_loses_its_scope_is_not_replaced(site: Site) -> None:
    caller = Caller(site, STORED, FORBIDDEN)
    caller.upload()

    with pytest.raises(AccessRefused):
        caller.upload()


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (403, "insufficient_scope", r"No; the access token's scopes: batch:upload; .*"),
        # What an operator decided comes without advice about scopes.
        *((403, code, "No") for code in ("client_stopped", "organization_unassigned")),
        (400, "invalid_request", "No; check that the API trusts this issuer and .*"),
    ],
)
def test_a_refusal_ends_the_run_at_once(site: Site, status: int, code: str, problem: str) -> None:
    caller = Caller(site, Reply(status=status, body={"code": code, "detail": "No."}))

    with pytest.raises(AccessRefused, match=rf"upload refused: {status} {code}: {problem}\Z"):
        caller.upload()
    assert caller.slept == []


@pytest.mark.parametrize("status", [204, 302, 404, 405, 410, 418])
def test_a_status_that_the_api_never_sends_is_a_wrong_address(site: Site, status: int) -> None:
    caller = Caller(site, Reply(status=status, body=b"" if status == 204 else b"<html>"))

    problem = f"not a response from the Timesheets API: {status}; check TIMESHEETS_API_URL"
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        caller.upload()


@pytest.mark.parametrize(
    ("status", "code", "is_sent_again"),
    [
        pytest.param(429, "", True, id="too many"),
        pytest.param(503, "issuer_unavailable", True, id="no keys"),
        pytest.param(503, "overloaded", True, id="overloaded"),
        pytest.param(500, "internal_server_error", False, id="bug"),
        pytest.param(502, "", False, id="proxy"),
        pytest.param(503, "", False, id="a proxy's 503"),
        pytest.param(503, "database_unavailable", False, id="a database lost at its commit"),
        pytest.param(504, "", False, id="a proxy's timeout"),
    ],
)
def test_a_request_without_ids_is_sent_again_only_if_it_was_not_accepted(
    site: Site, status: int, code: str, is_sent_again: bool
) -> None:
    caller = Caller(site, Reply(status=status, body={"code": code} if code else {}), STORED)

    with nullcontext() if is_sent_again else pytest.raises(AnswerLost):
        assert caller.upload(is_repeatable=False).status == 207
    assert len(site.received) == 1 + is_sent_again


def test_a_failed_connection_leaves_no_doubt(site: Site) -> None:
    caller = Caller(site, address="http://127.0.0.1:1")

    with pytest.raises(NothingSent):
        caller.upload(is_repeatable=False)
    assert len(caller.slept) == 2
