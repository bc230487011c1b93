"""Answer the probes of load balancers and supervisors. They need no token, no host and no TLS."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets.exceptions import NotReady
from timesheets.middleware import respond_with_problem
from timesheets.readiness import get_readiness


@csrf_exempt
@require_safe
def report_liveness(_request: HttpRequest) -> HttpResponse:
    """The process answers requests. Says nothing about the database or the issuer."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
def report_readiness(_request: HttpRequest) -> HttpResponse:
    """Whether the process can store entries now: 200, or 503 with the names of the failing checks."""
    if failing := get_readiness().find_failing_checks():
        return respond_with_problem(NotReady(failing=failing))
    return JsonResponse({"status": "ok"})
