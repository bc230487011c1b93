"""Which token a run uses: the cached one or a new one."""

import fcntl
import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.client.clocks import FakeClock
from tests.client.configurations import make_config
from tests.client.conftest import AUDIENCE, SECRET, Reply, Site, mint_token, token_document
from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.tokens import TokenSource, name_token
from timesheets_client.errors import AccessRefused, ConfigurationError, TemporaryFailure
from timesheets_client.network.exchange import Connection, open_session

TOKEN_PATH = "/oauth/token"
HOUR = 3600


@dataclass
class Runs:
    """Consecutive runs with an issuer whose tokens are valid for an hour."""

    site: Site
    fake_clock: FakeClock = field(default_factory=FakeClock)
    is_caching: bool = True
    warnings: list[str] = field(default_factory=list)
    serial: int = 0

    def start(self, *, retries: int = 5, deadline: float = math.inf, **changes: Any) -> TokenSource:
        given = {
            "is_auth0": False,
            "issuer": "",
            "token_url": f"{self.site.address}{TOKEN_PATH}",
            "audience": AUDIENCE,
            "client_secret": SECRET,
        }
        clock = replace(self.fake_clock.clock, deadline=deadline)
        cache = TokenCache(self.site.state_dir, self.warnings.append, clock, is_usable=self.is_caching)
        config = make_config(**(given | changes))
        connection = Connection(session=open_session(), clock=clock, retries=retries)
        return TokenSource(config, connection, cache, show_detail=self.warnings.append)

    def issue(self, **claims: Any) -> str:
        """A new token, which the issuer returns from now on."""
        self.serial += 1
        issued_at = int(self.fake_clock.now)
        token = mint_token(**{"jti": str(self.serial), "iat": issued_at, "exp": issued_at + HOUR} | claims)
        self.site.replies[TOKEN_PATH] = Reply(status=200, body=token_document(token))
        return token

    def begin(self, **claims: Any) -> tuple[TokenSource, str]:
        """A run, and the new token that it has obtained."""
        source, token = self.start(), self.issue(**claims)
        source.obtain()
        return source, token

    def fail(self, status: int = 503, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.site.replies[TOKEN_PATH] = Reply(status=status, headers=named)

    @property
    def requested(self) -> int:
        return self.site.count(TOKEN_PATH)


@pytest.fixture
def runs(site: Site) -> Runs:
    return Runs(site)


def test_many_runs_share_one_token(runs: Runs) -> None:
    token = runs.issue()

    first = runs.start().obtain()
    second = runs.start().obtain()

    assert (first.value, first.is_from_cache) == (token, False)
    assert (second.value, second.is_from_cache) == (token, True)
    assert second.expires_at == first.expires_at == runs.fake_clock.now + HOUR
    assert runs.requested == 1


def test_without_a_cache_each_run_requests_a_token_and_writes_nothing(runs: Runs) -> None:
    runs.is_caching = False
    runs.issue()

    for _ in range(2):
        source = runs.start()
        assert source.obtain() == source.obtain()
    source.forget()

    assert runs.requested == 2
    assert not runs.site.state_dir.exists()


def test_names_differ_with_issuer_audience_client_and_scope() -> None:
    configs = [
        make_config(),
        make_config(issuer="https://b.example.com/"),
        make_config(issuer="", token_url="https://b.example.com/token"),
        make_config(issuer="", token_url="https://c.example.com/token"),
        make_config(audience="https://b.example.com"),
        make_config(client_id="b"),
        make_config(client_id="b", scope="c"),
        make_config(client_id="b c"),
    ]

    assert len({name_token(config) for config in configs}) == len(configs)


@pytest.mark.parametrize(
    ("lifetime", "left", "is_reused"),
    [
        pytest.param(HOUR, 301, True, id="more than five minutes left"),
        pytest.param(HOUR, 300, False, id="five minutes left"),
        pytest.param(600, 61, True, id="more than a tenth left"),
        pytest.param(600, 60, False, id="a tenth left"),
    ],
)
def test_a_token_is_reused_while_enough_lifetime_is_left(
    runs: Runs, lifetime: int, left: int, is_reused: bool
) -> None:
    source, token = runs.begin(exp=int(runs.fake_clock.now) + lifetime)
    runs.fake_clock.now += lifetime - left
    new = runs.issue()

    for run in (source, runs.start()):
        assert run.obtain().value == (token if is_reused else new)


def test_a_long_run_uses_the_token_that_another_run_renewed(runs: Runs) -> None:
    source, _ = runs.begin()
    runs.fake_clock.now += HOUR - 300
    new = runs.issue()
    runs.start().obtain()

    assert source.obtain().value == new
    assert runs.requested == 2


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("is_caching", [True, False])
def test_a_token_is_kept_in_use_while_the_issuer_is_down(runs: Runs, status: int, is_caching: bool) -> None:
    runs.is_caching = is_caching
    source, token = runs.begin()
    runs.fake_clock.now += HOUR - 10
    runs.fail(status)

    assert (runs.start() if is_caching else source).obtain().value == token
    # Nothing waits for the issuer while a token is valid.
    assert runs.fake_clock.slept == []


def test_an_issuer_that_is_down_is_not_called_before_each_request(runs: Runs) -> None:
    source, _ = runs.begin()
    runs.fake_clock.now += HOUR - 200
    runs.fail()

    for _ in range(3):
        source.obtain()
    runs.fake_clock.now += 59
    source.obtain()
    requested = runs.requested
    runs.fake_clock.now += 1
    source.obtain()

    assert (requested, runs.requested) == (2, 3)


@pytest.mark.parametrize(
    ("left", "status", "error"),
    [
        pytest.param(0, 503, TemporaryFailure, id="expired, and the issuer is down"),
        pytest.param(10, 401, AccessRefused, id="valid, and the issuer refuses"),
    ],
)
def test_an_expired_token_and_one_that_is_refused_a_successor_are_not_used(
    runs: Runs, left: int, status: int, error: type[Exception]
) -> None:
    runs.begin()
    runs.fake_clock.now += HOUR - left
    runs.fail(status)

    with pytest.raises(error, match=f": {status}"):
        runs.start().obtain()


def test_a_token_from_the_future_is_not_used(runs: Runs) -> None:
    runs.begin()
    runs.fake_clock.now -= 60
    new = runs.issue()

    assert runs.start().obtain().value == new


@pytest.mark.parametrize(
    "claims", [{"aud": "https://other.example.com"}, {"scope": "read:timesheets"}], ids=["audience", "scope"]
)
def test_an_unusable_token_is_not_cached(runs: Runs, claims: dict[str, str]) -> None:
    with pytest.raises((AccessRefused, ConfigurationError)):
        runs.begin(**claims)
    new = runs.issue()

    assert runs.start().obtain().value == new


def test_a_cached_token_for_another_api_is_ignored(runs: Runs) -> None:
    _, token = runs.begin()
    [path] = runs.site.state_dir.rglob("*.json")
    path.write_text(path.read_text().replace(token, mint_token(aud="https://other.example.com")))
    new = runs.issue()

    assert runs.start().obtain().value == new


@pytest.mark.parametrize("is_caching", [True, False])
def test_a_refused_token_is_replaced(runs: Runs, is_caching: bool) -> None:
    runs.is_caching = is_caching
    runs.begin()
    source = runs.start()
    refused = source.obtain()
    new = runs.issue()

    replaced = source.replace(refused)

    assert (replaced.value, replaced.is_from_cache) == (new, False)
    assert source.obtain() == replaced
    assert runs.requested == 3 - is_caching
    assert runs.start().obtain().value == new


def test_a_refused_token_that_another_run_has_replaced_is_not_replaced_again(runs: Runs) -> None:
    runs.begin()
    source = runs.start()
    refused = source.obtain()
    new = runs.issue()
    runs.start().replace(refused)

    replaced = source.replace(refused)

    assert (replaced.value, replaced.is_from_cache) == (new, True)
    assert runs.requested == 2


def test_a_refused_token_does_not_come_back_while_the_issuer_is_down(runs: Runs) -> None:
    source, _ = runs.begin()
    runs.fail()

    with pytest.raises(TemporaryFailure):
        source.replace(source.obtain())


def test_a_forgotten_token_is_requested_again(runs: Runs) -> None:
    source, _ = runs.begin()

    source.forget()

    assert list(runs.site.state_dir.rglob("*.json")) == []
    new = runs.issue()
    assert runs.start().obtain().value == new


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 599])
def test_a_busy_issuer_is_retried(runs: Runs, status: int) -> None:
    runs.fail(status)

    with pytest.raises(TemporaryFailure, match=f"no token for now: {status}; run it again later"):
        runs.start(retries=3).obtain()

    assert runs.requested == 4
    assert runs.fake_clock.slept == [0.5, 1, 2]
    assert runs.fake_clock.announced[0] == (
        f"waiting 0.5 s for the issuer: {runs.site.address}{TOKEN_PATH}: answered {status}."
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 409, 424, 426, 428, 430, 499])
def test_a_refusal_is_final(runs: Runs, status: int) -> None:
    runs.fail(status)

    with pytest.raises((AccessRefused, ConfigurationError)):
        runs.start().obtain()

    assert runs.requested == 1


def test_a_passed_deadline_names_the_issuer(runs: Runs) -> None:
    with pytest.raises(TemporaryFailure, match="--deadline has passed, so the issuer was not called"):
        runs.start(deadline=runs.fake_clock.now).obtain()


def test_a_run_waits_at_most_a_minute_for_another_run(runs: Runs) -> None:
    _, token = runs.begin()
    [lock] = runs.site.state_dir.rglob("*.lock")

    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        token_after_wait = runs.start().obtain()

    assert token_after_wait.value == token
    assert sum(runs.fake_clock.slept) == pytest.approx(60)
    assert max(runs.fake_clock.slept) == 0.05


def test_the_quota_limit_of_a_refusal_is_recorded_without_the_secret(runs: Runs) -> None:
    runs.fail(401, Auth0_Client_Quota_Limit=f"q={SECRET}")
    source = runs.start()

    with pytest.raises(AccessRefused):
        source.obtain()

    assert runs.warnings == ["the issuer's quota for this client: q=[hidden]"]


def test_neither_secret_nor_token_is_in_a_repr(runs: Runs) -> None:
    source, token = runs.begin()

    shown = f"{source.obtain()!r} {source!r}"

    assert token not in shown
    assert SECRET not in shown
