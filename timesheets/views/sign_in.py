"""Sign a browser in, at the issuer or with an access token, and sign it out."""

import functools
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from timesheets import conf
from timesheets.authentication import authenticate_bearer
from timesheets.browser import issuer_sign_ins
from timesheets.browser.pages import describe_visitor
from timesheets.browser.sessions import find_person, find_signed_in_token, sign_in, sign_out
from timesheets.exceptions import InvalidRequest, Problem
from timesheets.trust.code_flow import WRONG_ISSUER, Outcome, SignInFailed
from timesheets.trust.issuers import WebClient
from timesheets.trust.principals import VerifiedToken
from timesheets.trust.unverified_tokens import unwrap_token
from timesheets.views.uploads import UploadView

logger = logging.getLogger(__name__)

MAX_DESTINATION_BYTES = 1500

# A path of this site: `//` would begin another host, and browsers take a backslash for a slash.
_DESTINATION = re.compile(r"/(?!/)[^\x00-\x1f\x7f-\x9f\\]*")


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
    """Show the form. Lead to the issuer, or check the pasted token and redirect to the requested page."""
    if request.method != "POST":
        return _show_form(request, None)
    client = conf.web_client()
    if client is not None and "token" not in request.POST:
        return _lead_to_issuer(request, client)
    text = unwrap_token(request.POST.get("token", ""))
    try:
        if not text:
            raise InvalidRequest("Paste an access token here.")
        _, token = cast("tuple[object, VerifiedToken]", authenticate_bearer(f"Bearer {text}"))
    except Problem as problem:
        return _show_form(request, problem)
    sign_in(request, token)
    start_page = "upload" if UploadView.required_scopes <= token.scopes else "timesheets"
    return HttpResponseRedirect(_choose_destination(request) or reverse(start_page))


@BrowserView
@require_GET
def finish_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in the person that the issuer sent back, and continue at the page that they requested."""
    client = conf.web_client()
    if client is None:
        raise Http404
    attempt = issuer_sign_ins.find_attempt(request, request.GET.get("state", ""))
    try:
        if attempt is None:
            raise SignInFailed(Outcome.EXPIRED, "state is missing, foreign, used or too old")
        person, token = issuer_sign_ins.finish(client, attempt, request.GET.dict())
        sign_in(request, token, person)
        response = _continue_at(request, attempt.destination or reverse("landing"))
    except SignInFailed as failure:
        response = _show_failure(request, failure, attempt.destination if attempt else "")
    if attempt is not None:
        issuer_sign_ins.forget_attempt(response, attempt)
    response["Referrer-Policy"] = "no-referrer"
    return response


@BrowserView
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    client, person = conf.web_client(), find_person(request)
    sign_out(request)
    address = issuer_sign_ins.find_sign_out(client, person) if client and person else None
    return _continue_at(request, address) if address else HttpResponseRedirect(reverse("landing"))


def _lead_to_issuer(request: HttpRequest, client: WebClient) -> HttpResponse:
    destination = _choose_destination(request)
    try:
        address, attempt = issuer_sign_ins.begin(client, destination)
    except SignInFailed as failure:
        return _show_failure(request, failure, destination)
    response = _continue_at(request, address)
    issuer_sign_ins.keep_attempt(response, attempt)
    return response


def _continue_at(request: HttpRequest, address: str) -> HttpResponse:
    """A page that continues at once.

    The content policy forbids a redirect to another site after a form. After a redirect from another site, a
    browser does not send the session's cookie, but after this page it does.
    """
    return TemplateResponse(request, "timesheets/continue.html", {"address": address})


def _show_failure(request: HttpRequest, failure: SignInFailed, destination: str) -> HttpResponse:
    name, status = failure.outcome.name.lower(), failure.outcome.value
    level = logging.ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.WARNING
    logger.log(level, "outcome=refused reason=sign_in_%s: %s", name, failure)
    is_expired = failure.outcome is Outcome.EXPIRED and failure.error != WRONG_ISSUER
    if is_expired and find_signed_in_token(request):
        return HttpResponseRedirect(reverse("landing"))
    context = {
        **describe_visitor(request),
        "outcome": name,
        "error": failure.error,
        "destination": destination,
        # The browser sent no session. If it has one, it sends it to the page where this one continues.
        "may_be_signed_in": is_expired and request.headers.get("Sec-Fetch-Site") == "cross-site",
    }
    return TemplateResponse(request, "timesheets/sign_in_failed.html", context, status=status)


def _show_form(request: HttpRequest, refused: Problem | None) -> HttpResponse:
    if "again" in request.GET and find_signed_in_token(request):
        return HttpResponseRedirect(reverse("landing"))
    context = {
        **describe_visitor(request),
        "destination": _choose_destination(request),
        "refused": refused and refused.detail,
        "takes_token": refused is not None or "paste" in request.GET or conf.web_client() is None,
        "is_again": "again" in request.GET,
        "issuer": conf.issuer().url,
        "audience": conf.token_policy().audience,
    }
    status = refused.status_code if refused else HTTPStatus.OK
    if refused and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        # A 401 needs a challenge, and a browser cannot respond to a Bearer challenge.
        status = HTTPStatus.BAD_REQUEST
    return TemplateResponse(request, "timesheets/sign_in.html", context, status=status)


def _choose_destination(request: HttpRequest) -> str:
    """Return the requested page, or an empty string if there is none or it is not on this site."""
    destination = request.POST.get("next", request.GET.get("next", ""))
    is_short = len(destination.encode()) <= MAX_DESTINATION_BYTES
    return destination if is_short and _DESTINATION.fullmatch(destination) else ""
