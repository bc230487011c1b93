"""Decide whether the caller's scopes grant access to a view, and to a correction, and limit its requests."""

import json
import logging
from typing import cast

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from timesheets import conf
from timesheets.exceptions import ClientStopped, InsufficientScope, OrganizationUnassigned, Throttled
from timesheets.storage.client_policies import find_policy
from timesheets.storage.entries import Entry
from timesheets.storage.rate_limits import use
from timesheets.trust.principals import MachineClient, VerifiedToken

logger = logging.getLogger(__name__)

UPLOAD_SCOPE = "batch:upload"
READ_SCOPE = "read:timesheets"
# What every client stored. It is enough wherever READ_SCOPE is.
READ_ALL_SCOPE = "read:all-timesheets"
# A correction needs both. Only the body shows whether there is one.
CORRECTION_SCOPE = "correct:timesheets"
SCOPES = (UPLOAD_SCOPE, CORRECTION_SCOPE, READ_SCOPE, READ_ALL_SCOPE)


class HasScope(BasePermission):
    """Grants access if the client may act and the token has all of the view's `required_scopes`.

    One of the view's `sufficient_scopes` is enough, too.

    Without a token, DRF responds 401. Raises ClientStopped, OrganizationUnassigned or InsufficientScope
    (403), and ImproperlyConfigured if the view declares no scopes.
    """

    def has_permission(self, request: Request, view: object) -> bool:
        required_scopes = getattr(view, "required_scopes", None)
        if not required_scopes:
            raise ImproperlyConfigured(f"{type(view).__name__} must declare required_scopes.")
        token = cast("VerifiedToken | None", request.auth)
        if token is None:
            logger.warning("outcome=refused reason=not_authenticated")
            return False
        policy = find_policy(token.client.key)
        sufficient_scopes: frozenset[str] = getattr(view, "sufficient_scopes", frozenset())
        if policy.is_stopped:
            refusal = ClientStopped()
        elif policy.is_undecided:
            refusal = OrganizationUnassigned()
        elif required_scopes <= token.scopes or not sufficient_scopes.isdisjoint(token.scopes):
            return True
        else:
            refusal = InsufficientScope(required_scopes)
        log_refusal(token, refusal.default_code)
        raise refusal


class ClientThrottle(BaseThrottle):
    """Counts the requests of the client that the token or the session names. Raises Throttled (429).

    DRF's own throttles read a list of times from a cache and write it back, so requests at the same time are
    not all counted.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        client = cast("MachineClient", request.user)
        rate = conf.client_rate()
        if seconds := use(("client", *client.caller), rate):
            raise Throttled(
                f"This client may send {rate.count} requests in {rate.seconds} seconds. "
                f"Send this one again in {seconds} seconds.",
                wait=seconds,
            )
        return True


def may_send(entry: Entry, token: VerifiedToken) -> bool:
    """False if the entry is a correction, and the token does not grant that."""
    return entry.revision is None or entry.revision == 1 or may_correct(token)


def may_correct(token: VerifiedToken) -> bool:
    return CORRECTION_SCOPE in token.scopes


def may_read(token: VerifiedToken) -> bool:
    return READ_SCOPE in token.scopes or may_read_all(token)


def may_read_all(token: VerifiedToken) -> bool:
    """Whether the token grants every client's rows, not only those of its own client."""
    return READ_ALL_SCOPE in token.scopes


def log_refusal(token: VerifiedToken, reason: str) -> None:
    logger.warning(
        "outcome=refused reason=%s client=%s subject=%s token_id=%s",
        reason,
        *(json.dumps(name) for name in (token.client.client_id, token.client.subject, token.token_id)),
    )
