"""Keep the claims of a verified access token in a browser's session. The token itself is not kept."""

import dataclasses
import json
import logging
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import rotate_token
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from timesheets import conf
from timesheets.exceptions import CsrfFailed
from timesheets.trust.person_tokens import Person
from timesheets.trust.principals import MachineClient, VerifiedToken

logger = logging.getLogger(__name__)

_KEY = "timesheets.verified_token"


class SessionAuthentication(BaseAuthentication):
    """Authenticate the client whose access token this browser signed in with.

    Raises CsrfFailed (403) for a write that does not prove that it comes from one of the API's pages.
    """

    def authenticate(self, request: Request) -> tuple[MachineClient, VerifiedToken] | None:
        django_request = request._request  # noqa: SLF001  DRF has no public name for it.
        token = find_signed_in_token(django_request)
        if token is None:
            return None
        # DRF's views are exempt from Django's CSRF check. The CSRF token is in a header; the empty form stops
        # Django from reading the body to look for one.
        django_request.POST = QueryDict()
        check = CSRFCheck(lambda _: HttpResponse())
        check.process_request(django_request)
        if check.process_view(django_request, lambda _: HttpResponse(), (), {}) is not None:
            raise CsrfFailed
        return token.client, token


def sign_in(request: HttpRequest, token: VerifiedToken, person: Person | None = None) -> None:
    """Store the token's claims in the session, and give the session a new key that nobody else knows.

    `person` is who signed in at the issuer; nobody if a token was pasted.

    The session's own expiry does not change, because the admin uses the same session.
    """
    request.session.cycle_key()
    rotate_token(request)
    request.session[_KEY] = {
        "token": {**dataclasses.asdict(token), "scopes": sorted(token.scopes)},
        "audience": conf.token_policy().audience,
        "person": None if person is None else dataclasses.asdict(person),
    }
    logger.info(
        "outcome=signed_in client=%s subject=%s token_id=%s",
        *(json.dumps(name) for name in (token.client.client_id, token.client.subject, token.token_id)),
    )


def find_person(request: HttpRequest) -> Person | None:
    """Return who signed in at the issuer, even if the token has expired since."""
    try:
        return Person(**request.session[_KEY]["person"])
    except (KeyError, TypeError):
        # The person pasted a token, or another version of the API wrote the session.
        return None


def sign_out(request: HttpRequest) -> None:
    """Forget the token. The session ends unless the person is signed in to the admin, which uses it, too."""
    request.session.pop(_KEY, None)
    if not request.session.keys():
        request.session.flush()


def find_signed_in_token(request: HttpRequest) -> VerifiedToken | None:
    """Return the token that this browser signed in with, if the API would still accept it.

    An Authorization header always wins: with one, the session is ignored.
    """
    # Reading the session adds `Vary: Cookie`, which a response to a request without a cookie must not have.
    if "HTTP_AUTHORIZATION" in request.META or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    policy = conf.token_policy()
    try:
        stored = request.session[_KEY]
        claims, audience = stored["token"], stored["audience"]
        client = MachineClient(**claims["client"])
        token = VerifiedToken(**{**claims, "client": client, "scopes": frozenset(claims["scopes"])})
        is_trusted = (client.issuer, audience) == (policy.issuer, policy.audience)
        return token if is_trusted and time.time() < token.expires_at else None
    except (KeyError, TypeError):
        # Nobody is signed in, or another version of the API wrote the session.
        return None
