"""From the Authorization header to a principal, and from what is wrong with a token to HTTP."""

import functools
import logging
import re
import time

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from timesheets import conf
from timesheets.access_tokens import Fault, TokenRejected, VerifiedToken, verify_access_token
from timesheets.exceptions import REALM, InvalidRequest, InvalidToken, IssuerUnavailable
from timesheets.jwks import IssuerKeys, KeysUnavailable
from timesheets.principals import MachineClient

MAX_TOKEN_LENGTH = 8000

logger = logging.getLogger(__name__)

# RFC 6750 section 2.1; the scheme's name is compared without case (RFC 9110 section 11.1).
_BEARER = re.compile(r"bearer(?: |$)", re.ASCII | re.IGNORECASE)
_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)

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
        unverified_token = _read_bearer_token(request)
        if unverified_token is None:
            return None
        policy = conf.token_policy()
        try:
            token = verify_access_token(
                unverified_token, policy, _keys_at(conf.jwks_url(), policy.algorithms), time.time()
            )
        except TokenRejected as rejection:
            logger.warning("Refused a token: %s (%s)", rejection.fault, rejection.reason)
            raise InvalidToken(_PHRASES.get(rejection.fault, _OTHER_PHRASE)) from None
        except KeysUnavailable as failure:
            logger.error("Cannot check a token: %s", failure)
            raise IssuerUnavailable from None
        return MachineClient(issuer=token.issuer, client_id=token.client_id, subject=token.subject), token

    def authenticate_header(self, request: Request) -> str:
        return REALM


@functools.cache
def _keys_at(url: str, algorithms: tuple[str, ...]) -> IssuerKeys:
    """The one set of keys of an issuer in this process."""
    return IssuerKeys(url, algorithms)


def _read_bearer_token(request: Request) -> str | None:
    """The token of the Authorization header, None without one; tokens elsewhere are not looked at."""
    authorization = request.headers.get("Authorization", "")
    if not _BEARER.match(authorization):
        return None
    credentials = _CREDENTIALS.fullmatch(authorization)
    if credentials is None or len(credentials[1]) > MAX_TOKEN_LENGTH:
        raise InvalidRequest
    if "access_token" in request.query_params:
        raise InvalidRequest("Send the access token in the Authorization header only, not in the query too.")
    return credentials[1]
