"""Explain any rule that a token breaks: what it holds, what was expected, what to do. Judges nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from timesheets.diagnosis.claim_explanations import (
    explain_audience,
    explain_bound,
    explain_client,
    explain_expired,
    explain_issuer,
    explain_lifetime,
    explain_not_yet_valid,
    explain_times,
)
from timesheets.diagnosis.explanations import AUTH0_API, GET_ANOTHER, Case, Explanation
from timesheets.diagnosis.plain_words import quote
from timesheets.trust.access_tokens import VerifiedToken
from timesheets.trust.jwk_sets import ASYMMETRIC_ALGORITHMS
from timesheets.trust.token_rules import Fault, Profile

_NO_AUDIENCE = (
    "Auth0 gives one where the token was requested without an audience: request it with this API's."
)


def explain_credentials(text: str, max_length: int) -> Explanation:
    """What keeps a text out of the Authorization header (RFC 6750 section 2.1)."""
    is_broken = any(character.isspace() for character in text)
    return Explanation(
        holds=f"{len(text)} characters{', with white space inside: was it wrapped?' if is_broken else ''}",
        expected=f"at most {max_length} of A-Z a-z 0-9 . _ ~ + / -, and = at the end only",
        remedies=[GET_ANOTHER],
    )


def explain_malformed(text: str, reason: str) -> Explanation:
    """What a text may be that is no signed JWT. Nothing of it is shown, since it may be another secret."""
    parts = text.split(".")
    kind, remedies = _guess_kind(parts)
    lengths = ", ".join(str(len(part)) for part in parts[:6])
    return Explanation(
        holds=f"{kind}; parts: {len(parts)}, of {lengths} characters",
        expected=f"a signed JWT: three parts of base64url with a dot between them; {reason}",
        remedies=remedies,
    )


def _guess_kind(parts: Sequence[str]) -> tuple[str, Sequence[str]]:
    if len(parts) == 5:
        decrypt = f"{AUTH0_API} > Settings: switch the encryption of access tokens off."
        return "an encrypted token, which the API cannot open", [_NO_AUDIENCE, decrypt]
    if parts[0] == "v1":
        return "what looks like a refresh token of Auth0", [GET_ANOTHER]
    if len(parts) == 1:
        others = (
            "A refresh token, an authorization code or a secret is for the issuer only, never for an API."
        )
        return "an opaque token, not a JWT", [_NO_AUDIENCE, GET_ANOTHER, others]
    return "a token that was cut, joined or changed", [GET_ANOTHER]


def _explain_algorithm(case: Case) -> Explanation:
    algorithm = case.token.header.get("alg")
    return Explanation(
        holds=f"alg {quote(algorithm)}",
        expected=f"one of OAUTH_ALGORITHMS: {', '.join(case.policy.algorithms)}",
        remedies=[
            *_remedy_algorithm(algorithm),
            f"{AUTH0_API} > Settings > Signing Algorithm: RS256. Where it cannot be changed, make a new API.",
        ],
    )


def _remedy_algorithm(algorithm: object) -> Iterator[str]:
    if not isinstance(algorithm, str):
        return
    if algorithm.startswith("HS"):
        yield "It is signed with a shared secret, and whoever could check it could also write it."
    elif algorithm in ASYMMETRIC_ALGORITHMS:
        yield f"If the issuer signs with it on purpose, name {algorithm} in OAUTH_ALGORITHMS."


def _explain_header(case: Case) -> Explanation:
    return Explanation(
        holds=f"a header with the members {quote(sorted(case.token.header))}",
        expected=f"one that does not change what is signed; {case.reason}",
        remedies=[GET_ANOTHER, "If the issuer always adds it, it can be switched off there only."],
    )


def _explain_type(case: Case) -> Explanation:
    holds = f"typ {quote(case.token.header['typ'])}" if "typ" in case.token.header else "no typ"
    if case.policy.profile is Profile.RFC_9068:
        profile = f"{AUTH0_API} > Settings > JSON Web Token (JWT) Profile: RFC 9068."
        accept = "Or let the API accept other access tokens too, with OAUTH_TOKEN_PROFILE=auth0."
        return Explanation(
            holds=holds, expected="at+jwt: OAUTH_TOKEN_PROFILE is rfc9068", remedies=[profile, accept]
        )
    return Explanation(
        holds=holds,
        expected="JWT or at+jwt, or no typ",
        remedies=[GET_ANOTHER, "An ID token is for the client that asked for it, never for an API."],
    )


def _explain_key(case: Case) -> Explanation:
    header = case.token.header
    return Explanation(
        holds=f"kid {quote(header['kid'])}, alg {quote(header['alg'])}" if "kid" in header else "no kid",
        expected="a key that the issuer has now; without a kid, only where it has exactly one",
        remedies=[
            "The key is a retired one, another tenant's or a forger's: get a new token from the issuer."
        ],
    )


def _explain_signature(case: Case) -> Explanation:
    return Explanation(
        holds=f"a signature that the key {quote(case.token.header.get('kid'))} did not make",
        expected=f"what the issuer signed, unchanged; {case.reason}",
        remedies=[GET_ANOTHER, "If a new one is refused too, somebody writes tokens in the issuer's name."],
    )


EXPLAINERS: Mapping[Fault, Callable[[Case], Explanation]] = {
    Fault.ALGORITHM: _explain_algorithm,
    Fault.HEADER: _explain_header,
    Fault.TYPE: _explain_type,
    Fault.ISSUER: explain_issuer,
    Fault.AUDIENCE: explain_audience,
    Fault.TIMES: explain_times,
    Fault.EXPIRED: explain_expired,
    Fault.NOT_YET_VALID: explain_not_yet_valid,
    Fault.LIFETIME: explain_lifetime,
    Fault.CLIENT: explain_client,
    Fault.NAMES: explain_client,
    Fault.BOUND: explain_bound,
    Fault.KEY: _explain_key,
    Fault.SIGNATURE: _explain_signature,
}


def explain_unavailable(case: Case) -> Explanation:
    """What keeps everybody from saying whether the token is good."""
    return Explanation(
        holds=f"a signature under the kid {quote(case.token.header.get('kid'))}, good or bad",
        expected="the issuer's keys, to check it with",
        remedies=["The token may be good. Once manage.py check_issuer finds the issuer in order, try again."],
    )


def explain_scopes(case: Case, verified: VerifiedToken, required: frozenset[str]) -> Explanation:
    """What a token lacks that can be trusted, but does not grant all that is required."""
    needed = " ".join(sorted(required))
    client = f"{AUTH0_API} > Machine to Machine Applications > {quote(verified.client_id)}"
    return Explanation(
        holds=f"{quote(' '.join(sorted(verified.scopes)))} in {' and '.join(case.policy.scope_claims)}",
        expected=needed,
        remedies=[
            *_remedy_permissions(case, required),
            f"{client}: tick {needed}, then get a new token. Permissions is where it is defined.",
            f"A client may have to request scopes by name: for upload_timesheet set OAUTH_SCOPE={needed}.",
        ],
    )


def _remedy_permissions(case: Case, required: frozenset[str]) -> Iterator[str]:
    permissions = case.token.claims.get("permissions")
    if not isinstance(permissions, list) or not all(scope in permissions for scope in required):
        return
    if "permissions" in case.policy.scope_claims:
        yield "Its permissions name it, but they are a user's, and the client was not allowed that."
        return
    names = ",".join([*case.policy.scope_claims, "permissions"])
    yield f"Its permissions name it, but the API does not look there: set OAUTH_SCOPE_CLAIMS={names}"
