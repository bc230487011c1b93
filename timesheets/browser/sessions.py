"""A browser's session: what its access token said, once verified, and until when the token is good.

The token itself is not kept.
"""

import dataclasses
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import rotate_token
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from timesheets import conf
from timesheets.authentication import identify_client
from timesheets.exceptions import CsrfFailed
from timesheets.trust.access_tokens import VerifiedToken
from timesheets.trust.principals import MachineClient

_KEY = "timesheets.verified_token"


class SessionAuthentication(BaseAuthentication):
    """Let in the client whose access token this browser signed in with, as JWTAuthentication would.

    Raises CsrfFailed (403) where a request that may write does not prove that it comes from a page of ours.
    """

    def authenticate(self, request: Request) -> tuple[MachineClient, VerifiedToken] | None:
        django_request = request._request  # noqa: SLF001  DRF has no public name for it.
        token = find_signed_in_token(django_request)
        if token is None:
            return None
        if not _comes_from_our_page(django_request):
            raise CsrfFailed
        return identify_client(token), token


def _comes_from_our_page(request: HttpRequest) -> bool:
    """Whether Django's protection, which DRF's views are exempt from, lets the request pass."""
    # The proof comes in a header. Without this, Django would read the body to look for it in a form's field.
    request.POST = QueryDict()
    answer = HttpResponse()
    check = CSRFCheck(lambda _: answer)
    check.process_request(request)
    return check.process_view(request, lambda _: answer, (), {}) is None


def sign_in(request: HttpRequest, token: VerifiedToken) -> None:
    """Keep what `token` says in the session, under a new key that no one else knows.

    The session's own expiry stays as it is: whoever is signed in to the admin has the same session.
    """
    request.session.cycle_key()
    rotate_token(request)
    request.session[_KEY] = {
        "token": {**dataclasses.asdict(token), "scopes": sorted(token.scopes)},
        "audience": conf.token_policy().audience,
    }


def sign_out(request: HttpRequest) -> None:
    request.session.flush()


def find_signed_in_token(request: HttpRequest) -> VerifiedToken | None:
    """What the token said that this browser signed in with, if it is still one that the API would accept.

    An Authorization header always wins: beside one, the session is not looked at.
    """
    # Whoever brings no cookie gets an answer that does not vary by it.
    if "HTTP_AUTHORIZATION" in request.META or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    try:
        return _read_token(request.session.get(_KEY))
    except (KeyError, TypeError):
        # Nobody signed in with a token, or another version of this program wrote it.
        return None


def _read_token(kept: Any) -> VerifiedToken | None:
    """What `sign_in` kept, while it is good. Raises KeyError or TypeError if this is something else."""
    token = VerifiedToken(**{**kept["token"], "scopes": frozenset(kept["token"]["scopes"])})
    policy = conf.token_policy()
    is_ours = (token.issuer, kept["audience"]) == (policy.issuer, policy.audience)
    return token if is_ours and time.time() < token.expires_at else None
