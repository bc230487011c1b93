"""What `responses` cannot simulate: sockets, timeouts, TLS, proxies and netrc."""

import logging
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.client.conftest import SECRET, Reply, Site
from tests.kit.certificates import PrivateAuthority
from timesheets_client.errors import ConfigurationError, NothingSent, TemporaryFailure
from timesheets_client.network.exchange import MAX_ANSWER_BYTES, Connection, Timeouts, open_session
from timesheets_client.network.messages import Answer, Message, make_printable
from timesheets_client.network.retries import Clock

SHORT = Timeouts(connect_seconds=1, read_seconds=0.3)


def post(url: str, timeouts: Timeouts = Timeouts(), seconds: float = math.inf) -> Answer:  # noqa: B008
    """The answer, in a run that has so many seconds left."""
    message = Message(url=url, json={"secret": SECRET}, secrets=(SECRET,))
    clock = Clock(deadline=time.monotonic() + seconds)
    with open_session() as session:
        return Connection(session=session, timeouts=timeouts, clock=clock).send(message)


@contextmanager
def listening(serve: Callable[[socket.socket, Event], object]) -> Iterator[int]:
    """A port whose first connection goes to `serve`, with an event that is set at the end of the test."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                serve(connection, over)

        thread = Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()


def answering(content: bytes) -> Callable[[socket.socket, Event], None]:
    def serve(connection: socket.socket, over: Event) -> None:
        request = b""
        # A socket that is closed with unread bytes discards the answer.
        while not request.endswith(b"}"):
            request += connection.recv(65536)
        connection.sendall(content)

    return serve


def dripping(beginning: bytes, drop: bytes) -> Callable[[socket.socket, Event], None]:
    """Continues an answer with drops that never end it."""

    def serve(connection: socket.socket, over: Event) -> None:
        answering(beginning)(connection, over)
        while not over.wait(0.1):
            connection.sendall(drop)

    return serve


def keep_silent(connection: socket.socket, over: Event) -> None:
    over.wait()


def test_a_json_object_is_read_from_the_answer(site: Site) -> None:
    site.replies["/"] = Reply(status=201, body={"message": "stored"}, headers={"retry-AFTER": "7"})

    answer = post(f"{site.address}/")

    assert (answer.url, answer.status, answer.quote("message")) == (f"{site.address}/", 201, "stored")
    # Header names are case-insensitive.
    assert answer.headers["Retry-After"] == "7"


def test_a_body_arrives_unchanged_with_its_parameters(site: Site) -> None:
    message = Message(url=f"{site.address}/", parameters={"a": "\u00e9 b&c"}, data=b"\x1f\x8b\x00")

    with open_session() as session:
        Connection(session=session).send(message)

    [received] = site.received
    assert (received.path, received.body) == ("/?a=%C3%A9+b%26c", b"\x1f\x8b\x00")
    assert received.headers["Content-Length"] == "3"


@pytest.mark.parametrize(
    ("serve", "seconds"),
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"), 0.6, id="headers"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "), 0.6, id="body"),
        pytest.param(keep_silent, math.inf, id="silence"),
    ],
)
def test_an_answer_that_never_ends_hits_a_timeout(
    serve: Callable[[socket.socket, Event], None], seconds: float
) -> None:
    with (
        listening(serve) as port,
        pytest.raises(TemporaryFailure, match=r"no answer in time\. What was sent may still have arrived"),
    ):
        post(f"http://127.0.0.1:{port}/", SHORT, seconds)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_breaks_is_a_temporary_failure(scheme: str) -> None:
    def hang_up(connection: socket.socket, over: Event) -> None:
        if scheme == "https":
            connection.recv(65536)

    with (
        listening(hang_up) as port,
        pytest.raises(TemporaryFailure, match=r"connection was lost\. What was sent may still have arrived"),
    ):
        post(f"{scheme}://127.0.0.1:{port}/", SHORT)


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 207 Multi-Status\r\nContent-Length: 12\r\nX-Request-ID: 1\r\n\r\n{"created":2}',
        b"HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_an_answer_that_is_cut_anywhere_is_a_temporary_failure(answer: bytes) -> None:
    for length in range(answer.rindex(b"}")):
        with (
            listening(answering(answer[:length])) as port,
            pytest.raises(TemporaryFailure, match="connection was lost"),
        ):
            post(f"http://127.0.0.1:{port}/", SHORT)


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(
        NothingSent, match=r"no connection\. Is the address right, and the server running\? Run"
    ) as caught:
        post(f"http://127.0.0.1:{port}/")

    # The error of requests contains the request.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_unknown_host_name_sent_nothing() -> None:
    with pytest.raises(NothingSent, match="no connection"):
        post("https://timesheets.invalid/")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b'{"message": "%s"}' % (b"x" * MAX_ANSWER_BYTES), {}, id="endless"),
        pytest.param(b"no gzip", {"Content-Encoding": "gzip"}, id="not zipped"),
    ],
)
def test_an_answer_that_is_too_long_or_broken_has_no_document(
    site: Site, body: bytes, headers: dict[str, str]
) -> None:
    site.replies["/"] = Reply(status=200, body=body, headers=headers)

    assert post(f"{site.address}/").document is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "https://[broken"])
def test_a_redirect_is_not_followed(site: Site, status: int, location: str) -> None:
    site.replies["/"] = Reply(status=status, headers={"Location": location})

    assert post(f"{site.address}/").status == status
    assert [received.path for received in site.received] == ["/"]


def test_netrc_adds_no_credentials(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login payroll password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    post(f"{site.address}/")

    [received] = site.received
    assert "Authorization" not in received.headers


def test_no_proxy_is_used_for_this_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    post(f"{site.address}/")

    assert len(site.received) == 1


def test_proxies_come_from_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", site.address)

    with pytest.raises(NothingSent, match="no connection through the proxy"):
        post("https://timesheets.invalid/")


def test_an_invalid_proxy_address_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://payroll:password@proxy.invalid")

    with pytest.raises(ConfigurationError, match="the proxy's") as caught:
        post("https://timesheets.invalid/")

    assert "password" not in str(caught.value)


def test_a_malformed_header_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    echo = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{SECRET}\r\n\r\n{{}}".encode()
    caplog.set_level(logging.DEBUG)

    with listening(answering(echo)) as port:
        post(f"http://127.0.0.1:{port}/", SHORT)

    assert f"127.0.0.1:{port}" in caplog.text
    assert SECRET not in caplog.text


@pytest.fixture
def authority(tmp_path: Path) -> PrivateAuthority:
    return PrivateAuthority(tmp_path)


@contextmanager
def listening_with_tls(context: ssl.SSLContext) -> Iterator[int]:
    def serve(connection: socket.socket, over: Event) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")(tls, over)

    with listening(serve) as port:
        yield port


def test_an_untrusted_proxy_is_named(authority: PrivateAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening_with_tls(authority.certify()) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{port}")
        with pytest.raises(ConfigurationError, match=r"the proxy's certificate cannot be trusted"):
            post("https://timesheets.invalid/")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        pytest.param(None, r"unable to get local issuer .* set REQUESTS_CA_BUNDLE", id="authority"),
        pytest.param({"address": "127.0.0.2"}, "IP address mismatch", id="another name"),
        pytest.param({"expired": True}, "certificate has expired", id="expired"),
    ],
)
def test_an_untrusted_certificate_is_a_configuration_error_that_says_why(
    authority: PrivateAuthority, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any] | None, fault: str
) -> None:
    if options:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.ca_file)

    with (
        listening_with_tls(authority.certify(**options or {})) as port,
        pytest.raises(ConfigurationError, match=f"server's certificate cannot be trusted: {fault}"),
    ):
        post(f"https://127.0.0.1:{port}/")


def test_authorities_come_from_the_environment(
    authority: PrivateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.ca_file)

    with listening_with_tls(authority.certify()) as port:
        assert post(f"https://127.0.0.1:{port}/").status == 200


def test_a_missing_file_of_authorities_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")

    with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE"):
        post("https://127.0.0.1:1/")


def test_https_to_a_plain_port_is_a_configuration_error(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="no secure connection is possible"):
        post(site.address.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        (f"a\r\nb\x1b[31m\u202e{'c' * 1000}", [SECRET], f"a  b [31m {'c' * 190} [...]"),
        ("x" * 190 + SECRET, [SECRET], "x" * 190 + "[hidden]"),
        ("a-one b-two", ["a-one", "", "b-two"], "[hidden] [hidden]"),
    ],
    ids=["controls", "secret where the text is cut", "several secrets"],
)
def test_quoted_text_is_short_printable_and_without_secrets(
    text: str, secrets: list[str], shown: str
) -> None:
    assert make_printable(text, *secrets) == shown


def test_no_repr_of_a_message_or_answer_contains_its_secret() -> None:
    message = Message(url="https://a.b", json={"s": SECRET}, data=SECRET.encode(), secrets=(SECRET,))
    answer = Answer(
        url="https://a.b", status=200, document={"s": SECRET}, headers={"S": SECRET}, secrets=(SECRET,)
    )

    assert SECRET not in f"{message!r} {answer!r}"
