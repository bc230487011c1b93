"""Finding the token endpoint of an issuer."""

import re
from typing import Any

import pytest

from tests.client.clocks import FakeClock
from tests.client.configurations import make_config
from tests.client.conftest import AUDIENCE, Reply, Site, token_document
from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.token_endpoint import discover_token_endpoint
from timesheets_client.access.tokens import TokenSource
from timesheets_client.errors import AccessRefused, ConfigurationError, TemporaryFailure
from timesheets_client.network.exchange import Connection, open_session
from timesheets_client.network.messages import Answer

OPENID_PATH = "/.well-known/openid-configuration"
OAUTH_PATH = "/.well-known/oauth-authorization-server"
ISSUER = "https://issuer.example.com"
OPENID, OAUTH = f"{ISSUER}{OPENID_PATH}", f"{ISSUER}{OAUTH_PATH}"
ENDPOINT = "https://issuer.example.com/token"
NOT_FOUND: tuple[int, None] = (404, None)


def discover(documents: dict[str, tuple[int, Any]], issuer: str = ISSUER) -> str:
    def fetch(url: str) -> Answer:
        status, document = documents.get(url, NOT_FOUND)
        return Answer(url=url, status=status, document=document, headers={}, secrets=())

    return discover_token_endpoint(issuer, fetch)


def make_metadata(**changes: object) -> dict[str, object]:
    return {"issuer": ISSUER, "token_endpoint": ENDPOINT} | changes


def test_openid_connects_document_comes_first() -> None:
    documents = {
        OPENID: (200, make_metadata()),
        OAUTH: (200, make_metadata(token_endpoint="https://other.example.com/token")),
    }

    assert discover(documents) == ENDPOINT


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(NOT_FOUND, id="not found"),
        pytest.param((403, None), id="forbidden"),
        pytest.param((302, None), id="redirect"),
        pytest.param((200, None), id="HTML"),
    ],
)
def test_rfc_8414s_document_is_used_if_the_first_is_unusable(answer: tuple[int, None]) -> None:
    assert discover({OPENID: answer, OAUTH: (200, make_metadata())}) == ENDPOINT


def test_an_issuer_without_metadata_is_a_configuration_error() -> None:
    message = f"{ISSUER}: publishes no metadata at {OPENID} or {OAUTH}; check OAUTH_ISSUER"

    with pytest.raises(ConfigurationError, match=re.escape(message)):
        discover({})


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_issuer_is_a_temporary_failure(status: int) -> None:
    with pytest.raises(TemporaryFailure, match=f"{OPENID}: {status}; run it again later"):
        discover({OPENID: (status, None), OAUTH: (200, make_metadata())})


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        pytest.param("https://other.example.com", "https://other.example.com", id="another"),
        pytest.param(f"{ISSUER}/", f"{ISSUER}/", id="an extra slash"),
        pytest.param("HTTPS://issuer.example.com", "HTTPS://issuer.example.com", id="another case"),
        pytest.param(None, "no issuer", id="null"),
        pytest.param([ISSUER], "no issuer", id="a list"),
    ],
)
def test_metadata_of_another_issuer_are_not_used(named: object, shown: str) -> None:
    with pytest.raises(ConfigurationError, match=f"names {shown}, not {ISSUER}; if you trust it, set"):
        discover({OPENID: (200, make_metadata(issuer=named))})


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("https://issuer.example.com/token/", id="a trailing slash"),
        pytest.param("https://issuer.example.com/token", id="no slash"),
        pytest.param("https://tokens.example.com/a//b?tenant=7", id="another host, and a query"),
        pytest.param("https://issuer.example.com/%7Ea/%2F", id="escapes"),
    ],
)
def test_the_token_endpoint_is_used_byte_for_byte(endpoint: str) -> None:
    assert discover({OPENID: (200, make_metadata(token_endpoint=endpoint))}) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("http://issuer.example.com/token", id="plain http"),
        pytest.param("https://a:b@issuer.example.com/token", id="user and password"),
        pytest.param("/token", id="relative"),
        pytest.param("https://issuer.example.com/to ken", id="space"),
        pytest.param("https://issuer.example.com/to\nken", id="line break"),
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param(7, id="a number"),
    ],
)
def test_an_unsafe_token_endpoint_is_refused(endpoint: object) -> None:
    with pytest.raises(ConfigurationError, match=r"token_endpoint.*; check OAUTH_ISSUER, or set OAUTH_TOKEN"):
        discover({OPENID: (200, make_metadata(token_endpoint=endpoint))})


@pytest.mark.parametrize(
    ("issuer_path", "path"),
    [
        *(("", path) for path in (OPENID_PATH, OAUTH_PATH)),
        *(("/realms/x/", path) for path in (f"/realms/x{OPENID_PATH}", f"{OAUTH_PATH}/realms/x")),
    ],
)
def test_a_token_is_requested_at_the_discovered_endpoint(site: Site, issuer_path: str, path: str) -> None:
    issuer = f"{site.address}{issuer_path}"
    site.replies[path] = Reply(
        status=200, body={"issuer": issuer, "token_endpoint": f"{site.address}/token/"}
    )
    site.replies["/token/"] = Reply(status=200, body=token_document(site.token))

    token = make_source(issuer).obtain()

    assert token.value == site.token
    assert site.count("/token/") == 1


def test_the_metadata_are_fetched_once_per_run(site: Site) -> None:
    metadata = {"issuer": site.address, "token_endpoint": f"{site.address}/token"}
    site.replies[OPENID_PATH] = Reply(status=200, body=metadata)
    site.replies["/token"] = Reply(status=401)
    source = make_source(site.address)

    for _ in range(2):
        with pytest.raises(AccessRefused):
            source.obtain()

    assert (site.count(OPENID_PATH), site.count("/token")) == (1, 2)
    assert site.received[0].headers["Accept"] == "application/json"


def make_source(issuer: str) -> TokenSource:
    config = make_config(is_auth0=False, issuer=issuer, token_url="", audience=AUDIENCE)
    clock = FakeClock().clock
    cache = TokenCache(config.state_dir, pytest.fail, clock, is_usable=False)
    return TokenSource(config, Connection(session=open_session(), clock=clock), cache)
