"""Record each request: what was asked, who asked, and what became of it. One line of the log, and metrics."""

import json
import logging
from collections.abc import Mapping
from http import HTTPMethod, HTTPStatus

from django.http import HttpRequest, HttpResponse

from timesheets import metrics

logger = logging.getLogger("timesheets.access")

# Their successes would hide everything else.
_POLLED_ROUTES = frozenset({"healthz", "readyz", "metrics"})
_UPLOAD_ROUTE = "timesheets/upload"
_METHODS = frozenset(HTTPMethod)
_LEVELS = {4: logging.WARNING, 5: logging.ERROR}


def record_access(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count the response to a request and log it, except the success of a route that monitoring polls.

    Names the route, never the path or the query. Names the caller only if its token is verified.
    """
    # A caller can send any word, even its token.
    method = request.method if request.method in _METHODS else "other"
    # With placeholders for ids. None for an unknown path or a static file.
    route = request.resolver_match.route if request.resolver_match else None
    problem = getattr(response, "data", None) if response.status_code >= HTTPStatus.BAD_REQUEST else None
    code = problem.get("code") if isinstance(problem, Mapping) else None
    metrics.count_request(route, method, response.status_code, code)
    if route == _UPLOAD_ROUTE and method == "POST" and response.status_code < HTTPStatus.BAD_REQUEST:
        metrics.observe_upload(seconds)
    level = _LEVELS.get(response.status_code // 100, logging.INFO)
    if (level == logging.INFO and route in _POLLED_ROUTES) or not logger.isEnabledFor(level):
        return
    token = getattr(request, "auth", None)
    client = token and token.client.client_id
    fields = {
        "method": method,
        "route": route,
        "status": response.status_code,
        "code": code,
        "duration_ms": round(seconds * 1000, 1),
        "client": client,
        "subject": token and token.client.subject,
        "token_id": token and token.token_id,
    }
    arguments = (method, json.dumps(route), response.status_code, json.dumps(client))
    logger.log(level, "%s %s %d client=%s", *arguments, extra={"fields": fields})
