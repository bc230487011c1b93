"""What can be said of a rule that an access token breaks. Knows no rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from timesheets.trust.token_rules import TokenPolicy
from timesheets.trust.unverified_tokens import UnverifiedToken

# Where Auth0's dashboard keeps what most remedies change.
AUTH0_API = "Auth0: Applications > APIs > this API"
GET_ANOTHER = "Get a new token, and send the member access_token of the issuer's answer, whole."


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Lines to print. What they have from the token is quoted and cut, since anybody can have written it."""

    holds: str
    expected: str
    remedies: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A token that breaks a rule, for the API's own `reason`; `now` is in seconds since the epoch."""

    token: UnverifiedToken
    policy: TokenPolicy
    now: float
    reason: str = ""
