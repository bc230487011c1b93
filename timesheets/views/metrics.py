"""Show the metrics to a scraper: one on this machine, or one with a token. For others they do not exist."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from timesheets import metrics
from timesheets.addresses import comes_from_this_machine
from timesheets.authentication import authenticate_bearer
from timesheets.exceptions import Problem

REQUIRED_SCOPE = "read:metrics"


# The view reads no body.
@csrf_exempt
def show_metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, in Prometheus' text format."""
    is_readable = metrics.is_on() and request.method in {"GET", "HEAD"}
    if not is_readable or not (comes_from_this_machine(request) or _has_scope(request)):
        raise Http404
    return HttpResponse(metrics.export(), content_type=metrics.CONTENT_TYPE)


def _has_scope(request: HttpRequest) -> bool:
    try:
        accepted = authenticate_bearer(request.META.get("HTTP_AUTHORIZATION", ""))
    except Problem:
        # The log has the reason.
        return False
    return accepted is not None and REQUIRED_SCOPE in accepted[1].scopes
