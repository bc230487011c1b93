"""Log one line per request: what was asked, who asked, and what became of it."""

import json
import logging
from collections.abc import Mapping
from http import HTTPMethod
from typing import Any

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("timesheets.access")

# Their successes would hide everything else.
_POLLED_ROUTES = frozenset({"healthz", "readyz", "metrics"})
_LEVELS = {4: logging.WARNING, 5: logging.ERROR}


def log_access(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Log the response to a request, unless it is the success of a route that monitoring polls.

    Names the route, never the path or the query. Names the caller only if its token is verified.
    """
    method, route = find_method(request), find_route(request)
    level = _LEVELS.get(response.status_code // 100, logging.INFO)
    if (level == logging.INFO and route in _POLLED_ROUTES) or not logger.isEnabledFor(level):
        return
    token = getattr(request, "auth", None)
    client = token and token.client_id
    fields = {
        "method": method,
        "route": route,
        "status": response.status_code,
        "code": find_code(response),
        "duration_ms": round(seconds * 1000, 1),
        "client": client,
        "subject": token and token.subject,
        "token_id": token and token.token_id,
    }
    arguments = (method, json.dumps(route), response.status_code, json.dumps(client))
    logger.log(level, "%s %s %d client=%s", *arguments, extra={"fields": fields})


def find_method(request: HttpRequest) -> str:
    """The method, or `other`: a caller can send any word, even its token."""
    return request.method if request.method in _METHODS else "other"


_METHODS = frozenset(HTTPMethod)


def find_route(request: HttpRequest) -> str | None:
    """The pattern of the path, with placeholders for ids. None for an unknown path or a static file."""
    return request.resolver_match.route if request.resolver_match else None


def find_code(response: HttpResponse) -> str | None:
    """The code of a problem. None for any other response."""
    problem: Any = getattr(response, "data", None)
    return problem.get("code") if response.status_code >= 400 and isinstance(problem, Mapping) else None
