"""Sign people in and out at the issuer. Few wait for it at a time, so they never delay programs.

A cookie of its own keeps an attempt, because the issuer's redirect does not bring the session along, whose
cookie is SameSite=Strict. This one is Lax, and nobody but the API can read or make it.
"""

import base64
import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

from authlib.common.urls import add_params_to_uri
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from timesheets import conf
from timesheets.authentication import get_issuer_keys
from timesheets.permissions import SCOPES
from timesheets.storage.places import NoPlace, Places
from timesheets.trust.code_flow import Attempt, Outcome, SignInFailed, begin_sign_in, read_code, redeem_code
from timesheets.trust.issuer_documents import DocumentUnavailable
from timesheets.trust.issuers import WebClient, get_metadata, read_endpoint
from timesheets.trust.jwks import KeysUnavailable
from timesheets.trust.person_tokens import Person, verify_person
from timesheets.trust.principals import VerifiedToken

MAX_WAITING = 8
MAX_AGE_SECONDS = 600

_places = Places(lambda _, held: held < MAX_WAITING)


def begin(client: WebClient, destination: str) -> tuple[str, Attempt]:
    """Return the address at the issuer that asks for a password, and the attempt. Raises SignInFailed."""
    with _wait_for_issuer() as metadata:
        return begin_sign_in(client, metadata, client.scopes or SCOPES, destination)


def finish(
    client: WebClient, attempt: Attempt, parameters: Mapping[str, str]
) -> tuple[Person, VerifiedToken]:
    """Return who signed in, and what their token says. Raises SignInFailed."""
    policy = conf.token_policy()
    with _wait_for_issuer() as metadata:
        code = read_code(parameters, conf.issuer(), metadata)
        tokens = redeem_code(code, attempt, client, conf.issuer(), metadata)
        keys = get_issuer_keys(conf.issuer(), policy.algorithms)
        return verify_person(tokens, attempt, client, policy, keys, time.time())


def find_sign_out(client: WebClient, person: Person) -> str | None:
    """Return the address that ends the person's session at the issuer; None if the issuer names none now."""
    parameters = {
        "client_id": client.client_id,
        "post_logout_redirect_uri": conf.public_url("/"),
        # Without it, Auth0 asks for a confirmation.
        **({"logout_hint": person.session_id} if person.session_id else {}),
    }
    try:
        with _wait_for_issuer() as metadata:
            url = read_endpoint(metadata, "end_session_endpoint")
    except SignInFailed:
        return None
    return str(add_params_to_uri(url, parameters))


@contextmanager
def _wait_for_issuer() -> Iterator[Mapping[str, Any]]:
    """Run the block with the issuer's metadata. Raises SignInFailed."""
    try:
        with _places.take("people"):
            yield get_metadata(conf.issuer())
    except NoPlace:
        raise SignInFailed(Outcome.UNAVAILABLE, "too many people wait for the issuer") from None
    except (DocumentUnavailable, KeysUnavailable) as failure:
        raise SignInFailed(Outcome.UNAVAILABLE, str(failure)) from None


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


def _make_fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(__name__, "", algorithm="sha256").digest()))
