"""What a client can learn about a protected resource before it has a token."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from timesheets import conf
from timesheets.views.uploads import UploadView


@require_safe
def describe_protected_resource(_request: HttpRequest) -> HttpResponse:
    """Tell a client where tokens for the upload come from (RFC 9728 section 2)."""
    return JsonResponse(
        {
            "resource": conf.public_url(UploadView.resource_path),
            "authorization_servers": [conf.issuer().url],
            "scopes_supported": sorted(UploadView.required_scopes),
            "bearer_methods_supported": ["header"],
        },
        headers={"Cache-Control": "public, max-age=3600"},
    )
