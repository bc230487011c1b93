"""Remember verified tokens, so that a caller pays for a signature once. Knows JWT; knows no web framework."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import jwt

from timesheets.trust.token_rules import TokenPolicy, TokenTimes

MAX_REMEMBERED_TOKENS = 1024


@dataclass(frozen=True, kw_only=True)
class VerifiedToken:
    """The content of a token whose signature and claims are verified.

    `issuer` is the configured one, whichever of its names the token has. `organization` may be empty.
    """

    issuer: str
    client_id: str
    organization: str
    subject: str | None
    token_id: str | None
    scopes: frozenset[str]
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A verified token, and what the decision depended on besides the token's bytes."""

    token: VerifiedToken
    times: TokenTimes
    policy: TokenPolicy
    key_id: str | None
    algorithm: str
    key: jwt.PyJWK


class TokenMemory:
    """The tokens that were verified last. It keeps their digests, not the tokens, and no refused token."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verifications: OrderedDict[bytes, Verification] = OrderedDict()

    def find(self, text: str) -> Verification | None:
        digest = _digest(text)
        with self._lock:
            verification = self._verifications.get(digest)
            if verification is not None:
                self._verifications.move_to_end(digest)
        return verification

    def keep(self, text: str, verification: Verification) -> None:
        """Remember the verification. The token that was not used for the longest time is forgotten."""
        with self._lock:
            self._verifications[_digest(text)] = verification
            if len(self._verifications) > MAX_REMEMBERED_TOKENS:
                self._verifications.popitem(last=False)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
