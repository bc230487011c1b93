"""Probes are answered without a token, for any host and without TLS."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.kit.processes import PRODUCTION_VARIABLES, run_python

REQUEST_PRODUCTION = """import timesheets_site.wsgi, json
from django.test import Client
client = Client(headers={"Host": "10.0.0.7:8000"})
responses = [client.get(path) for path in ("/healthz", "/readyz", "/", "/healthz/", "/timesheets")]
print(json.dumps([[response.status_code, response.json()] for response in responses]))
"""


# The database fixture is absent on purpose: pytest-django refuses every query.
def test_a_live_process_says_so(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.cookies == {}
    head = client.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")


@pytest.fixture(scope="module")
def production() -> list[Any]:
    """Responses to plain HTTP and a foreign host, without a database and an issuer."""
    result = run_python(
        "-c", REQUEST_PRODUCTION, **PRODUCTION_VARIABLES, OAUTH_JWKS_URL="https://127.0.0.1:1/"
    )
    responses: list[Any] = json.loads(result.stdout)
    return responses


def test_production_answers_probes_for_any_host_without_tls(production: list[Any]) -> None:
    liveness, (status, problem), *_ = production

    assert liveness == [200, {"status": "ok"}]
    assert (status, problem["code"], problem["failing"]) == (503, "not_ready", ["database", "issuer"])


def test_production_still_refuses_foreign_hosts_elsewhere(production: list[Any]) -> None:
    assert [status for status, _ in production[2:]] == [400, 400, 400]


def test_a_failing_probe_reveals_names_only(production: list[Any]) -> None:
    _, (_, problem), *_ = production

    del problem["request_id"]
    assert problem == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "This process cannot serve now. Its log says why.",
        "code": "not_ready",
        "failing": ["database", "issuer"],
    }
