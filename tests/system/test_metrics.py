"""/metrics counts what all workers do, for those who may read it."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import StartServer
from tests.kit.issuer import Issuer
from tests.kit.processes import PRODUCTION_VARIABLES, run_python
from tests.kit.raw_http import write_head
from tests.kit.servers import ENTRY, GranianServer
from timesheets.storage.entries import Outcome

WORKERS = 3
Metrics = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def server(granian: StartServer) -> GranianServer:
    server = granian(settings="tests.settings_metrics", workers=WORKERS)
    # The first worker accepts connections before the others have started.
    wait_for(server, "threads", WORKERS * 64)
    return server


def scrape(server: GranianServer, **headers: str) -> Metrics:
    response = requests.get(f"{server.url}/metrics", headers=headers, timeout=10)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def wait_for(server: GranianServer, name: str, value: float) -> Metrics:
    """The metrics, once one of them has this value. Raises TimeoutError."""
    deadline = time.monotonic() + 20
    while read(metrics := scrape(server), name) != value:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} is not {value}: {metrics}")
        time.sleep(0.05)
    return metrics


def read(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.get((f"timesheets_{name}", tuple(sorted(labels.items()))), 0)


def count(before: Metrics, after: Metrics, name: str, **labels: str) -> float:
    return read(after, name, **labels) - read(before, name, **labels)


def post(server: GranianServer, issuer: Issuer, body: Any = ENTRY, query: str = "", **claims: Any) -> int:
    return server.upload(issuer.mint(**claims), body, query).status_code


def test_the_requests_of_all_workers_are_counted(server: GranianServer, issuer_process: Issuer) -> None:
    created = {"route": "timesheets/upload", "method": "POST", "status": "201", "code": ""}
    before = scrape(server)

    for _ in range(30):
        post(server, issuer_process)

    # Whichever worker answers knows the same.
    for after in [scrape(server) for _ in range(6)]:
        assert count(before, after, "http_requests_total", **created) == 30
        assert count(before, after, "upload_duration_seconds_count") == 30
        assert read(after, "threads") == WORKERS * 64


def test_entries_are_counted_by_verdict(server: GranianServer, issuer_process: Issuer) -> None:
    before = scrape(server)
    first, other = {**ENTRY, "entry_id": "v-1"}, {**ENTRY, "entry_id": "v-1", "hours": 6}
    for body in (first, first, other, {}):
        post(server, issuer_process, body)
    post(server, issuer_process, [first, other, {}, ENTRY])
    post(server, issuer_process, [{}, ENTRY], "?atomic=true")
    for dry in (first, ENTRY, {}, [ENTRY, {}]):
        post(server, issuer_process, dry, "?dry_run=true")

    counted = {"created": 2, "existing": 2, "conflict": 2, "invalid": 3, "refused_with_batch": 1}
    assert count_verdicts(before, scrape(server)) == counted

    before = scrape(server)
    first = {**ENTRY, "entry_id": "c-1"}
    second = {**first, "hours": 6, "revision": 2, "reason": "typed twice"}
    gap, unknown = {**second, "revision": 9}, {**second, "entry_id": "c-2"}
    sent = [first, second, first, gap, unknown]
    for body in sent:
        post(server, issuer_process, body, scope="batch:upload correct:timesheets")
    post(server, issuer_process, second)
    post(server, issuer_process, sent, scope="batch:upload correct:timesheets")
    post(server, issuer_process, [second, second])

    assert count_verdicts(before, scrape(server)) == {
        "created": 2,
        "superseded": 3,
        "existing": 1,
        "revision_gap": 2,
        "unknown_entry": 2,
        "insufficient_scope": 3,
    }


def count_verdicts(before: Metrics, after: Metrics) -> dict[str, float]:
    counted = {verdict.value: count(before, after, "entries_total", verdict=verdict) for verdict in Outcome}
    return {verdict: number for verdict, number in counted.items() if number}


def test_the_last_upload_of_a_client_has_a_time(server: GranianServer, issuer_process: Issuer) -> None:
    begin = time.time()
    post(server, issuer_process, azp="steady", sub="x")
    refused: list[Any] = [{}, [], [{}]]
    for body in refused:
        post(server, issuer_process, body, azp="failing", sub="x")
    post(server, issuer_process, ENTRY, "?dry_run=true", azp="failing", sub="x")
    post(server, issuer_process, [ENTRY, {}], "?atomic=true", azp="failing", sub="x")

    after = scrape(server)
    assert begin <= read(after, "last_upload_timestamp_seconds", client="steady") <= time.time()
    assert read(after, "last_upload_timestamp_seconds", client="failing") == 0


def test_no_unverified_text_is_a_label(server: GranianServer, issuer_process: Issuer) -> None:
    url, marker = server.url, "mArKeR7f3e9c"
    post(server, issuer_process, azp=marker, aud=marker, jti=marker)
    requests.request(marker, f"{url}/{marker}?{marker}=1", headers={"X-Request-ID": marker}, timeout=10)
    requests.get(f"{url}/timesheets/4711000004711", headers={"Authorization": f"Bearer {marker}"}, timeout=10)

    text = requests.get(f"{url}/metrics", timeout=10).text
    assert marker.lower() not in text.lower()
    assert "4711000004711" not in text
    assert 'method="other",route="",status="404"' in text


def test_a_request_that_is_in_progress_is_counted(server: GranianServer, issuer_process: Issuer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as slow:
        bearer = f"Bearer {issuer_process.mint()}"
        slow.sendall(
            write_head(server.port, "/timesheets/upload", 100, "application/json", Authorization=bearer)
        )
        # This scrape, and the upload.
        assert wait_for(server, "threads_busy", 2)


def test_a_replaced_worker_has_no_threads_but_what_it_counted_stays(
    tmp_path: Path, issuer_process: Issuer
) -> None:
    nowhere = "http://127.0.0.1:1/"
    options: dict[str, Any] = {"workers": 1, "respawn-interval": 0.1}
    server = GranianServer(tmp_path, nowhere, settings="tests.settings_metrics", **options)
    status = post(server, issuer_process, iss=nowhere)

    server.replace_workers()
    metrics = scrape(server)

    server.close()
    assert status == 503
    assert read(metrics, "threads") == 64
    assert read(metrics, "issuer_key_refreshes_total", outcome="failure") == 1
    failed = {"route": "timesheets/upload", "method": "POST", "status": "503", "code": "issuer_unavailable"}
    assert read(metrics, "http_requests_total", **failed) == 1


ADDRESSES = """
X-Real-IP X-Client-IP X-Cluster-Client-IP X-Azure-ClientIP X-Original-Forwarded-For X-Envoy-External-Address
CF-Connecting-IP CF-Connecting-IPv6 CloudFront-Viewer-Address True-Client-IP CDN-Loop
"""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="direct"),
        pytest.param({"X-Forwarded-For": "203.0.113.1"}, 404, id="x-forwarded-for"),
        pytest.param({"X-Forwarded-Proto": "https"}, 404, id="x-forwarded-proto"),
        pytest.param({"Forwarded": "for=203.0.113.1"}, 404, id="forwarded"),
        *(pytest.param({name: "203.0.113.1"}, 404, id=name.lower()) for name in ADDRESSES.split()),
        pytest.param({"X-Prometheus-Scrape-Timeout-Seconds": "10"}, 200, id="prometheus"),
        pytest.param({"Via": "1.1 proxy"}, 404, id="via"),
        pytest.param({"Via": "1.1 proxy", "scope": "read:metrics"}, 200, id="token"),
        pytest.param({"Via": "1.1 proxy", "scope": "batch:upload read:timesheets"}, 404, id="no-scope"),
        pytest.param({"Via": "1.1 proxy", "scope": "read:metrics", "aud": "x"}, 404, id="bad-token"),
        pytest.param({"Via": "1.1 proxy", "Authorization": "Bearer a b"}, 404, id="broken-token"),
        pytest.param({"Via": "1.1 proxy", "Authorization": "Basic eDp5"}, 404, id="another-scheme"),
    ],
)
def test_only_a_direct_caller_or_a_token_reads_metrics(
    server: GranianServer, issuer_process: Issuer, headers: dict[str, str], status: int
) -> None:
    claims: dict[str, Any] = {name: headers[name] for name in ("scope", "aud") if name in headers}
    sent = {name: value for name, value in headers.items() if name not in claims}
    if claims:
        sent["Authorization"] = f"Bearer {issuer_process.mint(**claims)}"

    response = requests.get(f"{server.url}/metrics", headers=sent, timeout=10)

    assert response.status_code == status
    assert ("timesheets_" in response.text) is (status == 200)


@pytest.mark.parametrize("claims", [None, {"scope": "read:metrics"}])
def test_without_the_setting_there_are_no_metrics(
    client: Client, issuer: Issuer, claims: dict[str, Any] | None
) -> None:
    headers = {"Authorization": f"Bearer {issuer.mint(**claims)}"} if claims else {}

    response = client.get("/metrics", headers=headers)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


IN_PRODUCTION = """
import django; django.setup()
from django.test import Client
for headers in ({"Host": "127.0.0.1:8000"}, {"Host": "127.0.0.1:8000", "X-Forwarded-Proto": "https"}):
    print(Client().get("/metrics", headers=headers).status_code)
print(Client().get("/", headers={"Host": "127.0.0.1:8000"}).status_code)
"""


def test_production_answers_prometheus_on_the_same_machine() -> None:
    result = run_python(
        "-c", IN_PRODUCTION, **PRODUCTION_VARIABLES, TIMESHEETS_METRICS="true", TIMESHEETS_BEHIND_PROXY="true"
    )

    assert result.stdout.split() == ["200", "404", "301"]


MANY_CLIENTS = """
import django; django.setup()
from timesheets import metrics
from timesheets.storage.entries import Outcome
for number in range(1000):
    metrics.count_entries(f"client-{number}", {Outcome.CREATED: 1})
print(metrics.export().decode().count('_seconds{client="'))
"""


def test_the_number_of_clients_with_a_metric_is_limited() -> None:
    result = run_python("-c", MANY_CLIENTS, DJANGO_SETTINGS_MODULE="tests.settings_metrics")

    assert result.stdout == "100\n"
