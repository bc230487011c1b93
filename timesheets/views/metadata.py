"""What a client can learn about a protected resource before it has a token."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets import conf
from timesheets.exceptions import METADATA_PATH


# Nothing that is safe needs a proof of where it came from, and whatever else is asked is 405.
@csrf_exempt
@require_safe
def describe_protected_resource(
    request: HttpRequest, required_scopes: frozenset[str], **_: object
) -> HttpResponse:
    """Tell a client where tokens come from (RFC 9728 section 2), whether or not the resource is there."""
    return JsonResponse(
        {
            "resource": conf.public_url(request.path_info.removeprefix(METADATA_PATH)),
            "authorization_servers": [conf.issuer().url],
            "scopes_supported": sorted(required_scopes),
            "bearer_methods_supported": ["header"],
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )
