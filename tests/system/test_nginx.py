"""nginx with the configuration of deploy/nginx, in front of a server that reports what reaches it."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.kit.certificates import PrivateAuthority
from tests.kit.processes import REPOSITORY, find_free_port
from tests.kit.reports import serve_reports
from tests.kit.waiting import wait_until
from timesheets.parsers import MAX_BYTES

CONFIGURATION = (REPOSITORY / "deploy/nginx/timesheets.conf").read_text()

pytestmark = pytest.mark.nginx


class Nginx:
    """One instance of the API listens at `api_port`, and the other does not run."""

    def __init__(self, folder: Path, api_port: int) -> None:
        authority = PrivateAuthority(folder)
        authority.certify()
        self.log = folder / "access.log"
        self._context = ssl.create_default_context(cafile=authority.ca_file)
        self.tls_port, self.plain_port = find_free_port(), find_free_port()
        ports = {"8001": api_port, "8002": find_free_port(), "443": self.tls_port, "80": self.plain_port}
        self._process = subprocess.Popen(write_command(folder, ports), stderr=subprocess.PIPE, text=True)
        self._wait_until_it_listens()

    def send(self, method: str, path: str, body: bytes | None = None) -> http.client.HTTPResponse:
        with self._connect() as connection:
            connection.request(method, path, body, {"X-Forwarded-Proto": "http"})
            return connection.getresponse()

    @contextmanager
    def announce(self, length: int) -> Iterator[http.client.HTTPConnection]:
        """A connection on which the head of an upload is sent."""
        with self._connect() as connection:
            connection.putrequest("POST", "/timesheets/upload")
            connection.putheader("Content-Length", str(length))
            connection.endheaders()
            yield connection

    def _connect(self) -> AbstractContextManager[http.client.HTTPConnection]:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.tls_port, timeout=10, context=self._context
        )
        return closing(connection)

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def _wait_until_it_listens(self) -> None:
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                return socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
            except OSError:
                time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"nginx does not start:\n{self._process.communicate()[1]}")


def write_command(folder: Path, ports: dict[str, int]) -> list[str | Path]:
    """The command that runs nginx with our configuration at other ports, and with its files in `folder`."""
    text = re.sub(r"/etc/ssl/[^;]+", f"{folder}/127.0.0.1.pem", CONFIGURATION)
    text = text.replace("/var/log/nginx", str(folder))
    text = re.sub(r"listen \[::\].*", "", text)
    text = re.sub(r"listen (\d+)", lambda found: f"listen 127.0.0.1:{ports[found[1]]}", text)
    text = re.sub(r"server (127\S*):(\d+)", lambda found: f"server {found[1]}:{ports[found[2]]}", text)
    (folder / "timesheets.conf").write_text(text)
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As nobody, workers could not enter pytest's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/timesheets.conf; }}"
    )
    return [find_nginx(), "-e", "stderr", "-c", folder / "nginx.conf"]


def find_nginx() -> str:
    """Debian puts it where only root's PATH leads."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with serve_reports() as port:
        nginx = Nginx(tmp_path_factory.mktemp("nginx"), port)
        yield nginx
        nginx.close()


@pytest.mark.parametrize(
    "path", ["/metrics", "/readyz", "/metrics/", "/readyz?x=1", "//metrics", "/%6Detrics", "/x/../readyz"]
)
def test_monitoring_is_hidden(nginx: Nginx, path: str) -> None:
    response = nginx.send("GET", path)

    assert (response.status, response.getheader("Called-Path")) == (404, None)


# A list of many people has a long address, and its header Link is as long.
LONG_PATH = f"/timesheets?{'&'.join(['user_id=' + 64 * 'x'] * 100)}"


@pytest.mark.parametrize("path", ["/", "/timesheets?cursor=a%2Fb", "/metricsx", "/admin/%41//", LONG_PATH])
def test_other_paths_reach_the_api_as_they_are(nginx: Nginx, path: str) -> None:
    response = nginx.send("GET", path)

    assert (response.status, response.getheader("Called-Path")) == (200, path)


def test_the_log_has_no_code_of_a_sign_in(nginx: Nginx) -> None:
    nginx.send("GET", "/sign-in/callback?code=secret&state=x").read()

    wait_until(lambda: '"GET /sign-in/callback" 200' in nginx.log.read_text())
    assert "secret" not in nginx.log.read_text()


def test_the_api_is_told_https_whatever_the_caller_says(nginx: Nginx) -> None:
    response = nginx.send("GET", "/")

    assert response.getheader("Called-Over") == "https"


def test_plain_http_is_redirected(nginx: Nginx) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=10)) as connection:
        connection.request("GET", "/timesheets?page_size=1", headers={"Host": "timesheets.example.com"})
        response = connection.getresponse()

    address = "https://timesheets.example.com/timesheets?page_size=1"
    assert (response.status, response.getheader("Location")) == (301, address)


def test_the_api_is_called_when_the_body_is_complete(nginx: Nginx) -> None:
    with nginx.announce(length=20) as connection:
        connection.send(b"0123456789")
        time.sleep(0.2)
        completed_at = time.monotonic()
        connection.send(b"0123456789")
        called_at = connection.getresponse().headers["Called-At"]

    assert float(called_at) >= completed_at


def test_the_largest_body_of_the_api_passes(nginx: Nginx) -> None:
    assert nginx.send("POST", "/timesheets/upload", bytes(MAX_BYTES)).status == 200


def test_a_larger_body_is_refused_before_it_is_sent(nginx: Nginx) -> None:
    with nginx.announce(length=MAX_BYTES + 1) as connection:
        status = connection.getresponse().status

    assert status == 413


def test_an_instance_that_does_not_run_costs_no_request(nginx: Nginx) -> None:
    statuses = {nginx.send("POST", "/timesheets/upload", b"{}").status for _ in range(4)}

    assert statuses == {200}
