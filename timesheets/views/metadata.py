"""Describe a protected resource to clients that have no token yet (RFC 9728)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets import conf
from timesheets.exceptions import METADATA_PATH


# Safe methods need no protection against CSRF, and all others are 405.
@csrf_exempt
@require_safe
def describe_protected_resource(request: HttpRequest, scopes: frozenset[str], **_: object) -> HttpResponse:
    """Where tokens come from (RFC 9728, section 2), whether or not the resource exists."""
    return JsonResponse(
        {
            "resource": conf.public_url(request.path_info.removeprefix(METADATA_PATH)),
            "authorization_servers": [conf.issuer().url],
            "scopes_supported": sorted(scopes),
            "bearer_methods_supported": ["header"],
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )
