"""Authenticate the client of an access token, and translate failures into HTTP errors."""

import functools
import logging
import string
import time

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from timesheets import conf, metrics
from timesheets.exceptions import InvalidRequest, InvalidToken, IssuerUnavailable
from timesheets.trust.access_tokens import TokenMemory, verify_access_token
from timesheets.trust.issuers import Issuer, fetch_keys
from timesheets.trust.jwks import FetchedKeys, IssuerKeys, KeysUnavailable
from timesheets.trust.principals import MachineClient, VerifiedToken
from timesheets.trust.token_rules import Fault, TokenRejected

MAX_TOKEN_LENGTH = 8000

logger = logging.getLogger(__name__)

# RFC 6750 section 2.1, without the padding.
_B64TOKEN = f"{string.ascii_letters}{string.digits}._~+/-".encode()

# The only texts about a token that a caller sees. None contains text from the token.
_PHRASES = {
    Fault.EXPIRED: "The access token expired",
    Fault.NOT_YET_VALID: "The access token is not valid yet",
    Fault.ISSUER: "The access token is from another issuer",
    Fault.AUDIENCE: "The access token is for another audience",
}
_OTHER_PHRASE = "The access token is not acceptable"

_memory = TokenMemory()


class JWTAuthentication(BaseAuthentication):
    """Set `request.user` to the client of a valid access token, and `request.auth` to its VerifiedToken.

    Returns None without bearer credentials, so that DRF answers 401 if a view needs a caller. Raises
    InvalidRequest (400), InvalidToken (401) or IssuerUnavailable (503).
    """

    def authenticate(self, request: Request) -> tuple[MachineClient, VerifiedToken] | None:
        headers = request.META
        has_query_token = bool(headers.get("QUERY_STRING")) and "access_token" in request.query_params
        return authenticate_bearer(headers.get("HTTP_AUTHORIZATION", ""), has_query_token=has_query_token)

    def authenticate_header(self, request: Request) -> str:
        """Any value makes DRF answer 401 instead of 403. The exception handler writes the full challenge."""
        return "Bearer"


def authenticate_bearer(
    authorization: str, *, has_query_token: bool = False
) -> tuple[MachineClient, VerifiedToken] | None:
    """The client and the token of an Authorization header; None if it is empty or has another scheme.

    Raises InvalidRequest, InvalidToken or IssuerUnavailable.
    """
    unverified_token = _read_bearer_token(authorization, has_query_token)
    if unverified_token is None:
        return None
    policy = conf.token_policy()
    keys = get_issuer_keys(conf.issuer(), policy.algorithms)
    try:
        token = verify_access_token(unverified_token, policy, keys, time.time(), _memory)
    except TokenRejected as rejection:
        logger.warning("outcome=refused reason=%s: %s", rejection.fault, rejection.reason)
        phrase = _PHRASES.get(rejection.fault, _OTHER_PHRASE)
        challenge = {"error": InvalidToken.default_code, "error_description": phrase}
        # The cause is for explain_token. No caller sees it.
        raise InvalidToken(f"{phrase}.", challenge=challenge) from rejection
    except KeysUnavailable as failure:
        logger.error(
            "outcome=unknown reason=issuer_unavailable: %s. Run manage.py check_issuer to see why.", failure
        )
        raise IssuerUnavailable(wait=failure.retry_after_seconds) from None
    return token.client, token


@functools.cache
def get_issuer_keys(issuer: Issuer, algorithms: tuple[str, ...]) -> IssuerKeys:
    """The keys of an issuer, cached once for the whole process."""
    return IssuerKeys(functools.partial(_fetch_and_count, issuer, algorithms))


def _fetch_and_count(issuer: Issuer, algorithms: tuple[str, ...]) -> FetchedKeys:
    outcome = metrics.FAILURE
    try:
        keys = fetch_keys(issuer, algorithms)
        outcome = metrics.SUCCESS
    finally:
        metrics.count_key_refresh(outcome)
    return keys


def _read_bearer_token(authorization: str, has_query_token: bool) -> str | None:
    """The token in the header, or None. Raises InvalidRequest."""
    scheme, _, credentials = authorization.partition(" ")
    # The scheme is case-insensitive (RFC 9110 section 11.1).
    if scheme.lower() != "bearer":
        return None
    unverified_token = credentials.lstrip(" ")
    is_token = len(unverified_token) <= MAX_TOKEN_LENGTH and _is_b64token(unverified_token)
    if has_query_token or not is_token:
        logger.warning("outcome=refused reason=invalid_request")
        raise InvalidRequest
    return unverified_token


def _is_b64token(text: str) -> bool:
    """Several times faster than a regular expression, which would take a hundredth of an upload's time."""
    unpadded = text.rstrip("=")
    return bool(unpadded) and unpadded.isascii() and not unpadded.encode().translate(None, _B64TOKEN)
