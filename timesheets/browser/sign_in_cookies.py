"""Keep an attempt to sign in in a cookie of its own, because the issuer's redirect brings no session along.

The session's cookie is SameSite=Strict. This one is Lax, and nobody but the API can read or make it.
"""

import base64
import hashlib
from dataclasses import astuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from timesheets.trust.code_flow import Attempt

MAX_AGE_SECONDS = 600


def keep_attempt(response: HttpResponse, attempt: Attempt) -> None:
    # No part has a line break.
    sealed = _make_fernet().encrypt("\n".join(astuple(attempt)).encode())
    response.set_cookie(
        _name_cookie(attempt.state),
        sealed.decode(),
        max_age=MAX_AGE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def find_attempt(request: HttpRequest, state: str) -> Attempt | None:
    """The attempt of this browser with that state, unless it is too old."""
    sealed = request.COOKIES.get(_name_cookie(state), "")
    try:
        attempt = Attempt(*_make_fernet().decrypt(sealed, MAX_AGE_SECONDS).decode().split("\n"))
    except (InvalidToken, TypeError, ValueError):
        return None
    return attempt if constant_time_compare(attempt.state, state) else None


def forget_attempt(response: HttpResponse, attempt: Attempt) -> None:
    response.delete_cookie(_name_cookie(attempt.state), samesite="Lax")


def _name_cookie(state: str) -> str:
    prefix = "__Host-" if settings.SESSION_COOKIE_NAME.startswith("__Host-") else ""
    return f"{prefix}sign-in-{hashlib.sha256(state.encode()).hexdigest()[:16]}"


def _make_fernet() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = [salted_hmac(__name__, "", key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
