"""One fetch of the issuer's keys: the URL, the accepted responses, the usable keys and the deadline."""

import contextlib
import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit.certificates import PrivateAuthority
from tests.kit.issuer import Issuer, to_base64url
from tests.kit.responders import (
    Responder,
    chunked,
    close,
    compose,
    content,
    delayed,
    document,
    drip,
    hang,
    redirect,
    repeat,
    reset,
    send,
)
from tests.kit.signing_keys import SigningKey
from timesheets.trust import issuers
from timesheets.trust.issuer_documents import connect
from timesheets.trust.jwks import FetchedKeys, KeysUnavailable

FIRST = SigningKey("first")
KEY_SET = {"keys": [FIRST.to_jwk()]}
NO_KEYS: list[Any] = [None, {"first": FIRST.to_jwk()}, "first", []]
NO_SETS: list[Any] = [
    *(None, [FIRST.to_jwk()], "keys", 7, FIRST.to_jwk(), {}),
    *({"keys": keys} for keys in NO_KEYS),
]
BODY = json.dumps(KEY_SET).encode()
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024
BLANKS = b" " * MEGABYTE


def fetch(
    issuer: Issuer,
    *algorithms: str,
    ca_file: str | None = None,
    jwks_url: str | None = None,
    discover: bool = False,
) -> FetchedKeys:
    url = None if discover else jwks_url or issuer.jwks_url
    trusted = issuers.Issuer(url=issuer.url, jwks_url=url, ca_file=ca_file)
    return issuers.fetch_keys(trusted, algorithms or ("RS256",))


def list_key_ids(fetched: FetchedKeys) -> list[str | None]:
    return [key.key_id for key in fetched.keys]


def is_unavailable(issuer: Issuer, **options: Any) -> bool:
    """Whether the fetch failed as one that callers may repeat."""
    try:
        fetch(issuer, **options)
    except KeysUnavailable:
        return True
    return False


# What counts as a JWK Set


FORMS = {
    "json": document(KEY_SET),
    "jwk-set-json": content(BODY, 200, {"Content-Type": "application/jwk-set+json"}),
    "no-media-type": content(BODY),
    "white-space": content(b" \r\n\t" + BODY + b"\n" * 1000),
    "more-members": document({**KEY_SET, "more": [1]}),
    "chunked": chunked(BODY),
    "no-length": send(OK, b"\r\n", BODY),
    "http-1.0": send(b"HTTP/1.0 200 OK\r\n\r\n", BODY),
    "after-100-continue": send(b"HTTP/1.1 100 Continue\r\n\r\n", compose(BODY)),
    "more-than-announced": send(compose(BODY), b"unexpected bytes"),
    "a-little-late": delayed(0.2, document(KEY_SET)),
}


@pytest.mark.parametrize("answer", FORMS.values(), ids=FORMS)
def test_a_key_set_is_read_in_any_form(issuer: Issuer, answer: Responder) -> None:
    issuer.answers[issuer.jwks_path] = answer

    assert list_key_ids(fetch(issuer)) == ["first"]


STATUSES = (201, 203, 206, 301, 302, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503)
NO_HTTP = (
    *(b"HTTP/1.1 200", b"SSH-2.0-OpenSSH_10.0\r\n", b"\x15\x03\x01\x00\x02\x02\x46"),
    *(bytes(range(256)) * 8, BODY),
)
ODD_HEADS = (
    *(b"HTTP/7.5 200 OK\r\n\r\n", b"HTTP/1.1 two OK\r\n\r\n", OK + b"X: %b\r\n\r\n" % (b"x" * 70_000)),
    *(
        OK + b"X: x\r\n" * 200 + b"\r\n",
        OK + b"Content-Length: 10\r\n\r\n",
        OK + b"Content-Length: 0\r\n\r\n",
    ),
    *(CHUNKED + size + b"\r\n" for size in (b"ffff", b"zz", b"-1", b"-5")),
)
CUT = (OK + b"Content-Le", OK + b"Content-Length: 9999\r\n\r\n" + BODY[:200], OK + b"\r\n" + BODY[:200])
NO_KEY_SETS = (
    *(b"", b"<!doctype html><title>Sign in</title>", b"\xff\xfe\x00\xd8", b'{"keys": ["\xff"]}', BODY + b"}"),
    *(b"[" * 60_000, b'{"keys":' * 8_000, b'{"keys":[' + b"[" * 900 + b"]" * 900 + b"]}"),
    b'{"keys":' + b"9" * 50_000 + b"}",
)
GARBAGE: dict[str, Responder] = {
    **{f"status-{status}": document(KEY_SET, status) for status in STATUSES},
    **dict(zip(("status-204", "no-answer", "reset"), (content(b"", 204), close, reset), strict=True)),
    **{f"no-http-{number}": send(answer) for number, answer in enumerate(NO_HTTP)},
    **{f"odd-head-{number}": send(head, BODY) for number, head in enumerate(ODD_HEADS)},
    **{f"cut-{number}": send(answer) for number, answer in enumerate(CUT)},
    "unrequested-gzip": content(gzip.compress(BODY), 200, {"Content-Encoding": "gzip"}),
    **{f"no-key-set-{number}": content(body) for number, body in enumerate(NO_KEY_SETS)},
    **{f"another-value-{number}": document(value) for number, value in enumerate(NO_SETS)},
    "over-64-kib": document({**KEY_SET, "more": "x" * 66_000}),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_garbage_makes_the_keys_unavailable(issuer: Issuer, answer: Responder) -> None:
    issuer.answers[issuer.jwks_path] = answer

    assert is_unavailable(issuer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(issuer: Issuer, status: int) -> None:
    issuer.answers[issuer.jwks_path] = redirect("/elsewhere", status)
    issuer.answers["/elsewhere"] = document(KEY_SET)

    assert is_unavailable(issuer)

    assert issuer.count("/elsewhere") == 0


# Limits


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(OK + b"Content-Length: 209715200\r\n\r\n" + BODY, BLANKS, id="length"),
        pytest.param(OK + b"\r\n" + BODY, BLANKS, id="no-length"),
        pytest.param(CHUNKED, b"100000\r\n" + BLANKS + b"\r\n", id="many-chunks"),
        pytest.param(CHUNKED + b"fffffff\r\n", BLANKS, id="one-chunk"),
        pytest.param(CHUNKED + b"-1\r\n", BLANKS, id="a-chunk-of-minus-one"),
        pytest.param(OK + b"X: ", b"x" * MEGABYTE, id="one-header"),
        pytest.param(OK, b"X: x\r\n" * (MEGABYTE // 6), id="many-headers"),
    ],
)
def test_a_huge_response_takes_little_memory(issuer: Issuer, start: bytes, piece: bytes) -> None:
    issuer.answers[issuer.jwks_path] = repeat(start, piece, 200)
    tracemalloc.start()

    assert is_unavailable(issuer)

    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The server of this process holds two pieces of a megabyte.
    assert most_bytes < 8 * MEGABYTE


class FullServer:
    """A server whose queue of connections is full, and that never responds."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=0)
        self.port = self._listener.getsockname()[1]
        self._sockets = [self._listener, *(socket.socket(family) for _ in range(3))]
        for caller in self._sockets[1:]:
            caller.setblocking(False)
            caller.connect_ex((address, self.port))

    def make_room(self) -> None:
        self._sockets += [self._listener.accept()[0] for _ in range(2)]

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@pytest.fixture
def full_server() -> Iterator[FullServer]:
    with contextlib.closing(FullServer()) as server:
        room = threading.Timer(0.3, server.make_room)
        room.start()
        yield server
        room.join()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def time_fetch(url: str) -> float:
    """How many seconds it takes to get keys or to fail."""
    began = time.monotonic()
    with contextlib.suppress(KeysUnavailable):
        issuers.fetch_keys(issuers.Issuer(url=url, jwks_url=url), ("RS256",))
    return time.monotonic() - began


def test_a_fetch_always_ends_in_seconds(issuer: Issuer, full_server: FullServer, silent_port: int) -> None:
    issuer.answers = {
        "/hang": hang,
        "/status-line": drip(b"", OK * 10),
        "/headers": drip(OK, b"X: x\r\n" * 10),
        "/fast-headers": drip(OK, b"X" * 1000, 0.01),
        "/body": drip(OK + b"\r\n", BODY),
        "/body-with-length": drip(compose(BODY)[: -len(BODY)], BODY),
        "/white-space": drip(compose(BODY + b" " * 50)[:-50], b" " * 50),
        "/chunks": drip(CHUNKED, b"1\r\n \r\n" * 10),
        "/chunk-extension": drip(CHUNKED + b"1;", b"x" * 50),
        "/continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001),
    }
    origin = issuer.url.rstrip("/")
    urls = [
        *(f"{origin}{path}" for path in issuer.answers),
        f"{origin.replace('http:', 'https:')}/tls-to-a-server-that-speaks-none",
        f"https://127.0.0.1:{silent_port}/no-handshake",
        f"http://127.0.0.1:{full_server.port}/no-room-at-first",
    ]

    with ThreadPoolExecutor(len(urls)) as pool:
        seconds = dict(zip(urls, pool.map(time_fetch, urls), strict=True))

    # Without a deadline, each of them takes at least ten seconds.
    assert {url: taken for url, taken in seconds.items() if taken > 7} == {}


# A host with several addresses


@pytest.fixture
def name_service(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of localhost, in order."""
    addresses: list[str] = []
    look_up = socket.getaddrinfo

    def look_up_each(host: str, *rest: Any, **options: Any) -> list[Any]:
        hosts = addresses if host == "localhost" else [host]
        return [found for each in hosts for found in look_up(each, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up_each)
    return addresses


@pytest.mark.parametrize("discover", [pytest.param(False, id="keys"), pytest.param(True, id="discovery")])
@pytest.mark.parametrize("dead", [["127.0.0.2"], ["::1"], ["::1", "127.0.0.2", "127.0.0.3"]], ids=len)
def test_a_dead_address_does_not_hide_a_live_one(
    issuer: Issuer, name_service: list[str], dead: list[str], discover: bool
) -> None:
    url = issuer.url.replace("127.0.0.1", "localhost")
    issuer.metadata = {"issuer": url, "jwks_uri": issuer.jwks_url.replace("127.0.0.1", "localhost")}
    trusted = issuers.Issuer(url=url, jwks_url=None if discover else issuer.metadata["jwks_uri"])
    name_service += [*dead, "127.0.0.1"]

    with contextlib.ExitStack() as servers:
        for address in dead:
            # An address that this machine does not have is dead anyway.
            with contextlib.suppress(OSError):
                servers.enter_context(contextlib.closing(FullServer(address, urlsplit(url).port or 0)))
        fetched = issuers.fetch_keys(trusted, ("RS256",))

    assert list_key_ids(fetched) == ["first"]


def test_dead_addresses_time_out_at_the_deadline(name_service: list[str]) -> None:
    name_service += [f"127.0.0.{number}" for number in range(1, 11)]
    with contextlib.ExitStack() as servers:
        port = 0
        for address in name_service:
            port = servers.enter_context(contextlib.closing(FullServer(address, port))).port
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            connect("localhost", port, began + 1)

    assert 1 <= time.monotonic() - began < 5


# Which keys are usable


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        *(
            (FIRST.to_jwk(**dict.fromkeys(names)), "RS256")
            for names in ((), ("use",), ("alg",), ("use", "alg"))
        ),
        *((FIRST.to_jwk(kid=key_id), "RS256") for key_id in (None, "")),
        (FIRST.to_jwk(use=None, key_ops=["verify"]), "RS256"),
        (FIRST.to_jwk(x5c=["MII"], x5t="x", iat=1, ext=True), "RS256"),
        (FIRST.to_jwk(alg="PS256"), "PS256"),
        (FIRST.to_jwk(alg=None), "PS512"),
        *((SigningKey("key", name).to_jwk(), name) for name in ("ES256", "ES512", "EdDSA")),
        (SigningKey("es", "ES384").to_jwk(alg=None), "ES384"),
    ],
)
def test_a_key_is_usable(issuer: Issuer, jwk: dict[str, Any], algorithm: str) -> None:
    issuer.publish(jwk)

    assert list_key_ids(fetch(issuer, algorithm)) == [jwk.get("kid")]


ES256 = SigningKey("bad", "ES256").to_jwk()
BAD_MEMBERS: dict[str, list[Any]] = {
    "use": ["enc", ["sig"]],
    "key_ops": [["encrypt"], ["sign"], [], "verify"],
    "alg": ["RS512", "HS256", "none", ["RS256"], {}],
    "n": [None, "", "AA", "\N{LATIN SMALL LETTER A WITH DIAERESIS}!", 7],
    "e": [None, "AQ", "Ag"],
}


SECRET = {"kty": "oct", "k": "c2VjcmV0", "kid": "bad"}
OKP = {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "bad"}
NO_JWKS: tuple[Any, ...] = (
    *(None, "key", [], {}, {"kid": "bad"}, {"kid": "bad", "kty": ["RSA"]}, {"kid": "bad", "kty": {}}),
    *(FIRST.to_jwk(kid=key_id) for key_id in (7, ["bad"])),
)
BAD_KEYS: dict[str, Any] = {
    **{f"no-jwk-{number}": jwk for number, jwk in enumerate(NO_JWKS)},
    **{
        f"{name}-{value}": FIRST.to_jwk(kid="bad", **{name: value})
        for name, values in BAD_MEMBERS.items()
        for value in values
    },
    "rsa-1024": SigningKey("bad", bits=1024).to_jwk(),
    **{
        f"rsa-{size * 8}": FIRST.to_jwk(kid="bad", n=to_base64url(b"\xff" * size))
        for size in (1025, 2048, 40_000)
    },
    "private": SigningKey("bad").to_private_jwk(),
    "private-exponent": FIRST.to_jwk(kid="bad", d="AQAB"),
    "secret": SECRET,
    "secret-for-rs256": {**SECRET, "alg": "RS256"},
    "point-not-on-its-curve": {**ES256, "x": ES256["y"], "y": ES256["x"]},
    "another-curve": {**ES256, "crv": "P-384"},
    "curve-not-accepted": {**ES256, "crv": "secp256k1", "alg": "ES256K"},
    "no-point": {**ES256, "x": ""},
    "point-null": {**ES256, "x": None},
    "ed25519-too-short": OKP,
    "for-key-agreement": {**OKP, "crv": "X25519", "x": "A" * 43},
    "ed448": {**OKP, "crv": "Ed448", "x": "A" * 76},
}


@pytest.mark.parametrize("jwk", BAD_KEYS.values(), ids=BAD_KEYS)
def test_an_unusable_key_is_left_out_and_logged(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, jwk: Any
) -> None:
    issuer.publish(jwk, SigningKey("good").to_jwk())

    assert list_key_ids(fetch(issuer, "RS256", "ES256", "EdDSA")) == ["good"]
    assert "Key 1 of 2 of the issuer is not used: it " in caplog.text


def test_of_two_keys_under_one_kid_neither_is_used(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    other = SigningKey("first", pair="other")
    issuer.publish(FIRST.to_jwk(), SigningKey("second").to_jwk(), other.to_jwk())

    assert list_key_ids(fetch(issuer)) == ["second"]
    assert caplog.text.count("shares its kid with a different key") == 2


def test_a_key_that_is_listed_twice_is_one_key(issuer: Issuer) -> None:
    issuer.publish(FIRST.to_jwk(alg="RS256"), FIRST.to_jwk(alg="RS512"))

    [key] = fetch(issuer, "RS256", "RS512").keys
    assert (key.key_id, set(key.by_algorithm)) == ("first", {"RS256", "RS512"})


# The environment and certificates


def test_a_proxy_from_the_environment_is_not_used(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")

    assert list_key_ids(fetch(issuer)) == ["first"]


def test_no_password_of_netrc_is_sent(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login payroll password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))

    fetch(issuer)

    [head] = issuer.received
    assert "authorization" not in head.lower()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    return PrivateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def https_issuer(authority: PrivateAuthority) -> Iterator[Issuer]:
    issuer = Issuer(audience="https://timesheets.example.com", tls=authority.certify())
    yield issuer
    issuer.stop()


@pytest.mark.parametrize("discover", [True, False])
def test_a_private_ca_is_trusted_only_if_its_file_is_named(
    https_issuer: Issuer, authority: PrivateAuthority, monkeypatch: pytest.MonkeyPatch, discover: bool
) -> None:
    assert list_key_ids(fetch(https_issuer, ca_file=authority.ca_file, discover=discover)) == ["first"]
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, authority.ca_file)
    with pytest.raises(KeysUnavailable, match="certificate"):
        fetch(https_issuer, discover=discover)


@pytest.mark.parametrize(("address", "expired"), [("127.0.0.2", False), ("127.0.0.1", True)])
def test_a_certificate_must_name_the_server_and_be_valid(
    authority: PrivateAuthority, address: str, expired: bool
) -> None:
    certificate = authority.certify(address, expired=expired)
    issuer = Issuer(audience="https://timesheets.example.com", tls=certificate)

    with pytest.raises(KeysUnavailable, match="certificate"):
        fetch(issuer, ca_file=authority.ca_file)

    issuer.stop()


def test_a_missing_ca_file_makes_the_keys_unavailable(https_issuer: Issuer, tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable):
        fetch(https_issuer, ca_file=str(tmp_path / "missing.pem"))


# Discovery


def test_keys_are_found_by_openid_connect_discovery(issuer: Issuer) -> None:
    assert list_key_ids(fetch(issuer, discover=True)) == ["first"]
    assert issuer.count(issuer.oauth_path) == 0


@pytest.mark.parametrize("path", ["", "/tenant", "/tenant/", "/deep/tenant"])
@pytest.mark.parametrize("missing", ["openid_path", "oauth_path"])
def test_an_issuer_may_have_a_path(path: str, missing: str) -> None:
    issuer = Issuer(audience="https://timesheets.example.com", path=path)
    issuer.answers[getattr(issuer, missing)] = content(b"Not Found", 404)

    assert list_key_ids(fetch(issuer, discover=True)) == ["first"]

    issuer.stop()


@pytest.mark.parametrize("named", ["https://other.example/", "{url}/", "{bare}", "", None, ["{url}"]])
@pytest.mark.parametrize("kind", ["openid_path", "oauth_path"])
def test_the_metadata_of_another_issuer_are_refused(issuer: Issuer, kind: str, named: Any) -> None:
    if isinstance(named, str):
        named = named.format(url=issuer.url, bare=issuer.url.rstrip("/"))
    issuer.metadata["issuer"] = named
    if kind == "oauth_path":
        issuer.answers[issuer.openid_path] = content(b"Not Found", 404)

    assert is_unavailable(issuer, discover=True)

    assert issuer.count() == 0


# A path, other schemes, other hosts, broken ports and addresses, and a port where nobody listens.
UNTRUSTED_URLS = """
/.well-known/jwks.json //127.0.0.1/jwks.json file:///etc/passwd ftp://127.0.0.1/jwks.json
http://keys.example/jwks.json http://169.254.169.254/latest http://127.0.0.1@keys.example/
http://localhost.keys.example/ http://127.0.0.1.keys.example/ http://0.0.0.0/ http:// https:// http://[::1
http://127.0.0.1:port/ http://127.0.0.1:99999/ http://127.0.0.1:-1/ http://127.0.0.1:1/
"""
ODD_URLS = ["https://127.0.0.1:1/\x00", "https://k\u00e4ys..example/\u00e4", f"https://{'a' * 64}.example/"]


@pytest.mark.parametrize("jwks_uri", [None, 7, [], "", *UNTRUSTED_URLS.split(), *ODD_URLS])
def test_keys_are_not_fetched_from_an_untrusted_url(issuer: Issuer, jwks_uri: Any) -> None:
    issuer.metadata["jwks_uri"] = jwks_uri

    assert is_unavailable(issuer, discover=True)


def test_a_url_with_a_line_break_adds_no_log_line(issuer: Issuer) -> None:
    issuer.metadata["jwks_uri"] = "http://keys.example/\n2026-01-01 INFO all is well"

    with pytest.raises(KeysUnavailable) as failure:
        fetch(issuer, discover=True)

    assert len(str(failure.value).splitlines()) == 1
