"""What can be said about `deploy/cluster/` without starting all of it."""

import http.client
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
import requests

from deploy.cluster.machines import TEMPLATES, choose_values, fill_in, find_program, wait_until
from tests.kit.reports import serve_reports
from timesheets_site.settings_base import POSTGRESQL_OPTIONS

CONFIGURATIONS = sorted(path.name for path in TEMPLATES.iterdir() if path.suffix not in (".py", ".pyc", ""))

HAPROXY = find_program("haproxy") or ""
# Where a request comes from: the address that haproxy-api.cfg has for nginx, and another one.
NGINX, OUTSIDE = "127.0.0.1", "127.0.0.2"


@pytest.fixture
def values() -> dict[str, str]:
    return choose_values()


@pytest.mark.parametrize("template", CONFIGURATIONS)
def test_each_placeholder_of_a_configuration_has_a_value(template: str, values: dict[str, str]) -> None:
    assert "$" not in fill_in(template, "database-2", values)


def test_a_machine_gets_its_own_port(values: dict[str, str]) -> None:
    assert f"listen_port = {values['pgbouncer_port_2']}\n" in fill_in("pgbouncer.ini", "pgbouncer-2", values)


@pytest.mark.haproxy
@pytest.mark.parametrize("template", ["haproxy-api.cfg", "haproxy-database.cfg"])
def test_haproxy_accepts_its_configuration(template: str, tmp_path: Path, values: dict[str, str]) -> None:
    (tmp_path / template).write_text(fill_in(template, "haproxy", values))

    result = subprocess.run([HAPROXY, "-c", "-f", tmp_path / template], capture_output=True, check=False)

    assert (result.returncode, result.stderr) == (0, b"")


@pytest.fixture(scope="module")
def haproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of HAProxy in front of a server that reports what reaches it."""
    with serve_reports() as port:
        values = {**choose_values(), "api_port_1": str(port), "api_port_2": str(port)}
        file = tmp_path_factory.mktemp("haproxy") / "haproxy-api.cfg"
        file.write_text(fill_in(file.name, "haproxy", values))
        process = subprocess.Popen([HAPROXY, "-f", file], stderr=subprocess.DEVNULL)
        public_port = int(values["public_port"])
        wait_until(lambda: requests.get(f"http://127.0.0.1:{public_port}/", timeout=5).ok)
        yield public_port
        process.terminate()
        process.wait(10)


def send(
    port: int, path: str, headers: Mapping[str, str] | None = None, source: str = OUTSIDE
) -> http.client.HTTPResponse:
    """Send a request from an address of this machine, with the path as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
    with closing(connection):
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse()


@pytest.mark.haproxy
@pytest.mark.parametrize("path", ["/metrics", "/readyz?x=1", "/%6Detrics", "http://127.0.0.1/metrics"])
def test_haproxy_hides_monitoring(haproxy: int, path: str) -> None:
    response = send(haproxy, path)

    assert (response.status, response.getheader("Called-Path")) == (404, None)


@pytest.mark.haproxy
@pytest.mark.parametrize("path", ["/", "/healthz", "/timesheets?cursor=a%2Fb&x=/metrics", "/metricsx"])
def test_haproxy_passes_other_paths_on_as_they_are(haproxy: int, path: str) -> None:
    response = send(haproxy, path)

    assert (response.status, response.getheader("Called-Path")) == (200, path)


@pytest.mark.haproxy
@pytest.mark.parametrize(
    ("source", "address", "scheme"),
    [
        pytest.param(NGINX, "203.0.113.1", "https", id="nginx"),
        pytest.param(OUTSIDE, OUTSIDE, "http", id="outside"),
    ],
)
def test_haproxy_believes_only_nginx_who_calls(haproxy: int, source: str, address: str, scheme: str) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "https"}
    # WSGI cannot distinguish them.
    underscored = {"X_Forwarded_For": "203.0.113.2", "X_Forwarded_Proto": "https"}

    response = send(haproxy, "/", {**underscored, **forwarded}, source)

    assert response.getheader("Called-For") == address
    assert response.getheader("Called-Over") == scheme
    assert "_" not in (response.getheader("Called-With") or "")


def test_pgbouncer_ignores_the_timeouts_of_the_settings_and_the_role_has_them(values: dict[str, str]) -> None:
    timeouts = dict(re.findall(r"-c (\w+)=(\w+)", str(POSTGRESQL_OPTIONS["options"])))

    of_role = dict(re.findall(r"SET (\w+) = '(\w+)'", fill_in("database.sql", "postgres", values)))
    [ignored] = re.findall(
        r"ignore_startup_parameters = (.*)", fill_in("pgbouncer.ini", "pgbouncer-1", values)
    )
    assert len(timeouts) == 3
    assert of_role == timeouts
    assert ignored.split(",") == list(timeouts)
