"""Probes are answered without a token, for any host and without TLS."""

from typing import Any

from django.test import Client

from tests.kit.default_database import use_database
from tests.kit.processes import PRODUCTION_VARIABLES
from tests.kit.settings import load_production, use_settings
from timesheets.readiness import get_readiness


# The database fixture is absent on purpose: pytest-django refuses every query.
def test_a_live_process_says_so(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.cookies == {}
    head = client.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")


def test_production_answers_probes_for_any_host_without_tls(
    settings: Any, django_db_blocker: Any, without_the_admin: None
) -> None:
    # Plain HTTP and a foreign host, without a database and an issuer.
    use_settings(settings, load_production(OAUTH_JWKS_URL="https://127.0.0.1:1/"))
    client, paths = Client(headers={"Host": "10.0.0.7:8000"}), ("/healthz", "/readyz", "/", "/healthz/")
    get_readiness.cache_clear()

    with django_db_blocker.unblock(), use_database(PRODUCTION_VARIABLES["DATABASE_URL"]):
        liveness, readiness, *elsewhere = [client.get(path) for path in (*paths, "/timesheets")]

    get_readiness.cache_clear()
    assert (liveness.status_code, liveness.json()) == (200, {"status": "ok"})
    assert [response.status_code for response in elsewhere] == [400, 400, 400]
    problem = readiness.json()
    del problem["request_id"]
    # It reveals names only.
    assert problem == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": readiness.status_code,
        "detail": "This process cannot serve now. Its log says why.",
        "code": "not_ready",
        "failing": ["database", "issuer"],
    }
    assert readiness.status_code == 503
