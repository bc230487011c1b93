"""The page at `/`: what the API is, which tokens it accepts, and where to go next."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from timesheets import conf
from timesheets.browser.pages import describe_visitor
from timesheets.exceptions import METADATA_PATH
from timesheets.views.uploads import UploadView


@csrf_exempt
@require_safe
def show_landing(request: HttpRequest) -> HttpResponse:
    context = {
        **describe_visitor(request),
        "issuer": conf.issuer().url,
        "audience": conf.token_policy().audience,
        "address": conf.public_url(""),
        "metadata_path": f"{METADATA_PATH}{UploadView.resource_path}",
        "is_development": bool(conf.development_sign_in().client_secrets),
    }
    return TemplateResponse(request, "timesheets/landing.html", context)
