"""Whether the caller's scopes grant what a view needs."""

import json
import logging
from typing import cast

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from timesheets.exceptions import InsufficientScope
from timesheets.trust.access_tokens import VerifiedToken

logger = logging.getLogger(__name__)


class HasScope(BasePermission):
    """Let in whose token grants all of the view's `required_scopes`.

    Without a token the answer is DRF's 401; with one that grants less it is 403 (RFC 6750 section 3.1).
    """

    def has_permission(self, request: Request, view: object) -> bool:
        required_scopes = getattr(view, "required_scopes", None)
        if not required_scopes:
            raise ImproperlyConfigured(f"{type(view).__name__} must say its required_scopes.")
        if request.auth is None:
            logger.warning("outcome=refused reason=not_authenticated")
            return False
        token = cast("VerifiedToken", request.auth)
        is_granted = required_scopes <= token.scopes
        logger.log(
            logging.INFO if is_granted else logging.WARNING,
            "outcome=%s client=%s subject=%s token_id=%s",
            "accepted" if is_granted else "refused reason=insufficient_scope",
            *(json.dumps(name) for name in (token.client_id, token.subject, token.token_id)),
        )
        if not is_granted:
            raise InsufficientScope(required_scopes)
        return True
