"""From the Authorization header to a principal, and from what is wrong with a token to HTTP."""

import functools
import logging
import re
import time

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from timesheets import conf
from timesheets.exceptions import InvalidRequest, InvalidToken, IssuerUnavailable
from timesheets.trust.access_tokens import VerifiedToken, verify_access_token
from timesheets.trust.issuers import Issuer, fetch_keys
from timesheets.trust.jwks import IssuerKeys, KeysUnavailable
from timesheets.trust.principals import MachineClient
from timesheets.trust.token_rules import Fault, TokenRejected

MAX_TOKEN_LENGTH = 8000

logger = logging.getLogger(__name__)

# RFC 6750 section 2.1.
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)

# The only texts about a token that a caller ever sees, so nothing of a token can be among them.
_PHRASES = {
    Fault.EXPIRED: "The access token expired",
    Fault.NOT_YET_VALID: "The access token is not valid yet",
    Fault.ISSUER: "The access token is from another issuer",
    Fault.AUDIENCE: "The access token is for another audience",
}
_OTHER_PHRASE = "The access token is not acceptable"


class JWTAuthentication(BaseAuthentication):
    """Let in the client of a valid access token, as `request.user`, with its VerifiedToken as `request.auth`.

    No credentials of ours: None, so that DRF answers 401 where a view needs a caller. Otherwise raises
    InvalidRequest (400), InvalidToken (401) or IssuerUnavailable (503).
    """

    def authenticate(self, request: Request) -> tuple[MachineClient, VerifiedToken] | None:
        authorization: str = request.META.get("HTTP_AUTHORIZATION", "")
        return authenticate_bearer(authorization, has_query_token="access_token" in request.query_params)

    def authenticate_header(self, request: Request) -> str:
        """What makes DRF answer 401 and not 403; the whole challenge is the exception handler's."""
        return "Bearer"


def authenticate_bearer(
    authorization: str, *, has_query_token: bool = False
) -> tuple[MachineClient, VerifiedToken] | None:
    """Whom an Authorization header lets in, and by what token; None if it is empty or of another scheme.

    Raises InvalidRequest, also if a token `has_query_token`, InvalidToken or IssuerUnavailable.
    """
    try:
        unverified_token = _read_bearer_token(authorization, has_query_token)
    except InvalidRequest:
        logger.warning("outcome=refused reason=invalid_request")
        raise
    if unverified_token is None:
        return None
    token = _verify(unverified_token)
    return identify_client(token), token


def identify_client(token: VerifiedToken) -> MachineClient:
    return MachineClient(issuer=token.issuer, client_id=token.client_id, subject=token.subject)


def _verify(unverified_token: str) -> VerifiedToken:
    policy = conf.token_policy()
    keys = get_issuer_keys(conf.issuer(), policy.algorithms)
    try:
        return verify_access_token(unverified_token, policy, keys, time.time())
    except TokenRejected as rejection:
        logger.warning("outcome=refused reason=%s: %s", rejection.fault, rejection.reason)
        raise InvalidToken(_PHRASES.get(rejection.fault, _OTHER_PHRASE)) from None
    except KeysUnavailable as failure:
        logger.error("outcome=unknown reason=issuer_unavailable: %s", failure)
        raise IssuerUnavailable(failure.retry_after_seconds) from None


@functools.cache
def get_issuer_keys(issuer: Issuer, algorithms: tuple[str, ...]) -> IssuerKeys:
    """The keys of an issuer, one set of them for the whole process."""
    return IssuerKeys(functools.partial(fetch_keys, issuer, algorithms))


def _read_bearer_token(authorization: str, has_query_token: bool) -> str | None:
    """The token of the header, None without one; tokens elsewhere are not looked at."""
    scheme, _, credentials = authorization.partition(" ")
    # The scheme's name is compared without case (RFC 9110 section 11.1).
    if scheme.lower() != "bearer":
        return None
    unverified_token = credentials.lstrip(" ")
    if len(unverified_token) > MAX_TOKEN_LENGTH or not _B64TOKEN.fullmatch(unverified_token):
        raise InvalidRequest
    if has_query_token:
        raise InvalidRequest("Send the access token in the Authorization header only, not in the query too.")
    return unverified_token
