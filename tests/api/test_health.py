"""Probes are answered without a token, for any host and without TLS."""

import json

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


def test_production_answers_probes_for_any_host_without_tls() -> None:
    # Plain HTTP and a foreign host, without a database and an issuer.
    variables = {**PRODUCTION_VARIABLES, "OAUTH_JWKS_URL": "https://127.0.0.1:1/"}

    result = run_python("-c", REQUEST_PRODUCTION, **variables)

    liveness, (status, problem), *elsewhere = json.loads(result.stdout)
    assert liveness == [200, {"status": "ok"}]
    assert [status for status, _ in elsewhere] == [400, 400, 400]
    del problem["request_id"]
    # It reveals names only.
    assert (status, problem) == (
        503,
        {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "This process cannot serve now. Its log says why.",
            "code": "not_ready",
            "failing": ["database", "issuer"],
        },
    )
