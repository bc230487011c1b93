"""Sign a browser in with an access token, and sign it out."""

import functools
import json
import logging
from collections.abc import Callable
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from timesheets import conf
from timesheets.authentication import authenticate_bearer
from timesheets.browser.development_tokens import DevelopmentTokenUnavailable, obtain_development_token
from timesheets.browser.pages import describe_visitor
from timesheets.browser.pasted_tokens import unwrap_token
from timesheets.browser.sessions import sign_in, sign_out
from timesheets.exceptions import Problem
from timesheets.trust.verified_tokens import VerifiedToken
from timesheets.views.timesheets import TimesheetListView
from timesheets.views.uploads import UploadView

logger = logging.getLogger(__name__)


class SignInRefused(Exception):
    """The message is about the form's `field`. The response has the status `status`."""

    def __init__(self, message: str, field: str, status: int) -> None:
        super().__init__(message)
        self.field, self.status = field, status


class BrowserView:
    """A view that exists only if browser sign-in is on. Otherwise it is 404, and the body is not read."""

    def __init__(self, view: Callable[[HttpRequest], HttpResponse]) -> None:
        functools.update_wrapper(self, view)
        self._view = view

    @property
    def csrf_exempt(self) -> bool:
        """If the view does not exist, Django's CSRF protection must not read the body."""
        return not conf.lets_browsers_sign_in()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not conf.lets_browsers_sign_in():
            raise Http404
        return self._view(request)


@BrowserView
@require_http_methods(["GET", "HEAD", "POST"])
def show_sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or check its token and redirect to the page that the person wanted."""
    if request.method != "POST":
        return _show_form(request, None)
    try:
        token = _take_token(request)
    except SignInRefused as refused:
        return _show_form(request, refused)
    sign_in(request, token)
    logger.info(
        "outcome=signed_in client=%s subject=%s token_id=%s",
        *(json.dumps(name) for name in (token.client_id, token.subject, token.token_id)),
    )
    return HttpResponseRedirect(_choose_destination(request) or _choose_start_page(token))


@BrowserView
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    sign_out(request)
    return HttpResponseRedirect(reverse("landing"))


def _show_form(request: HttpRequest, refused: SignInRefused | None) -> HttpResponse:
    context = {
        **describe_visitor(request),
        "destination": _choose_destination(request),
        "refused": refused,
        "development_clients": list(conf.development_sign_in().client_secrets),
        "issuer": conf.issuer().url,
        "audience": conf.token_policy().audience,
    }
    status = refused.status if refused else HTTPStatus.OK
    return TemplateResponse(request, "timesheets/sign_in.html", context, status=status)


def _take_token(request: HttpRequest) -> VerifiedToken:
    """Verify the pasted token, or a new one for the client of a button. Raises SignInRefused."""
    client_id = request.POST.get("client")
    try:
        text = obtain_development_token(client_id) if client_id else _read_pasted_token(request)
        accepted = authenticate_bearer(f"Bearer {text}")
    except DevelopmentTokenUnavailable as error:
        raise SignInRefused(str(error), "client", HTTPStatus.SERVICE_UNAVAILABLE) from None
    except Problem as problem:
        # A 401 needs a challenge, and a browser cannot respond to a Bearer challenge.
        is_server_error = problem.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        status = problem.status_code if is_server_error else HTTPStatus.BAD_REQUEST
        raise SignInRefused(str(problem.detail), "token", status) from None
    if accepted is None:
        raise AssertionError("a Bearer header is never of another scheme")
    return accepted[1]


def _read_pasted_token(request: HttpRequest) -> str:
    text, _ = unwrap_token(request.POST.get("token", ""))
    if not text:
        raise SignInRefused("Paste an access token here.", "token", HTTPStatus.BAD_REQUEST)
    return text


def _choose_destination(request: HttpRequest) -> str:
    """Return the requested page, or an empty string if there is none or it is on another site."""
    destination = request.POST.get("next", request.GET.get("next", ""))
    is_local = url_has_allowed_host_and_scheme(
        destination, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return destination if is_local else ""


def _choose_start_page(token: VerifiedToken) -> str:
    """Return the page that a person with this token's scopes can use."""
    may_upload = UploadView.required_scopes <= token.scopes
    return UploadView.resource_path if may_upload else TimesheetListView.resource_path
