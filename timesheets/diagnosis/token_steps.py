"""Walk a token through the rules of the API, one by one, up to the first that it breaks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from timesheets.diagnosis.claim_explanations import AUTH0_API, CLAIM_EXPLAINERS, Case, Explanation
from timesheets.diagnosis.wording import quote
from timesheets.trust.access_tokens import verify_access_token, verify_signature
from timesheets.trust.jwk_sets import ASYMMETRIC_ALGORITHMS
from timesheets.trust.jwks import KeySource, KeysUnavailable
from timesheets.trust.token_rules import RULES, Fault, Profile, TokenPolicy, TokenRejected
from timesheets.trust.unverified_tokens import TokenMalformed, read_unverified_token
from timesheets.trust.verified_tokens import TokenMemory, VerifiedToken

_GET_ANOTHER = "Get a new token, and send the whole access_token of the issuer's response."
_NO_AUDIENCE = "Auth0 issues one if the request names no audience: request it with this API's."


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rule, as a statement about the token. The explanation is empty if the token keeps the rule."""

    rule: str
    explanation: Sequence[tuple[str, str]] = ()
    fault: Fault | None = None
    # False if the issuer's keys are unavailable.
    is_known: bool = True


def walk_rules(
    text: str,
    policy: TokenPolicy,
    keys: KeySource,
    choose_scopes: Callable[[frozenset[str]], frozenset[str]],
    now: float,
) -> Iterator[Step]:
    """The rules of verify_access_token in its order, then the scopes, up to the first broken rule.

    `choose_scopes` says which scopes are required of a token that grants certain ones.
    """
    rule = "it is a signed JWT"
    try:
        token = read_unverified_token(text)
    except TokenMalformed as reason:
        yield Step(rule=rule, explanation=[*_explain_malformed(text, str(reason))], fault=Fault.MALFORMED)
        return
    yield Step(rule=rule)
    case = Case(token=token, policy=policy, now=now)
    checks: dict[str, Callable[[], object]] = {
        **{name: partial(check, token, policy, now) for name, check in RULES.items()},
        "it is signed with one of the issuer's keys": partial(verify_signature, text, token, policy, keys),
    }
    for name, check in checks.items():
        step = _take_step(name, check, case)
        yield step
        if step.explanation:
            return
    verified = verify_access_token(text, policy, keys, now, TokenMemory())
    required = choose_scopes(verified.scopes)
    lacks_scope = not required <= verified.scopes
    explanation = [*_explain_scopes(case, verified, required)] if lacks_scope else []
    yield Step(rule=f"it grants {' '.join(sorted(required))}", explanation=explanation)


def _take_step(rule: str, check: Callable[[], object], case: Case) -> Step:
    try:
        check()
    except TokenRejected as rejection:
        explanation = [*EXPLAINERS[rejection.fault](replace(case, reason=rejection.reason))]
        return Step(rule=rule, explanation=explanation, fault=rejection.fault)
    except KeysUnavailable:
        return Step(rule=rule, explanation=[*_explain_unavailable(case)], is_known=False)
    return Step(rule=rule)


def explain_credentials(text: str, max_length: int) -> Explanation:
    """Why `text` does not fit in an Authorization header (RFC 6750 section 2.1)."""
    wrapped = ", with white space inside: was it wrapped?" if any(map(str.isspace, text)) else ""
    yield "holds", f"{len(text)} characters{wrapped}"
    yield "expected", f"at most {max_length} of A-Z a-z 0-9 . _ ~ + / -, and = only at the end"
    yield "to do", _GET_ANOTHER


def _explain_malformed(text: str, reason: str) -> Explanation:
    """What a text that is not a signed JWT may be. It may be another secret, so none of it is shown."""
    parts = text.split(".")
    kind, remedies = _guess_kind(parts)
    lengths = ", ".join(str(len(part)) for part in parts[:6])
    yield "holds", f"{kind}; parts: {len(parts)}, of {lengths} characters"
    yield "expected", f"a signed JWT, three parts of base64url separated by dots; {reason}"
    for remedy in remedies:
        yield "to do", remedy


def _guess_kind(parts: Sequence[str]) -> tuple[str, Sequence[str]]:
    if len(parts) == 5:
        decrypt = f"{AUTH0_API} > Settings: turn off the encryption of access tokens."
        return "an encrypted token, which the API cannot decrypt", [_NO_AUDIENCE, decrypt]
    if parts[0] == "v1":
        return "what looks like a refresh token from Auth0", [_GET_ANOTHER]
    if len(parts) == 1:
        other = "Send refresh tokens, authorization codes and secrets only to the issuer, never to an API."
        return "an opaque token, not a JWT", [_NO_AUDIENCE, _GET_ANOTHER, other]
    return "a truncated, joined or modified token", [_GET_ANOTHER]


def _explain_algorithm(case: Case) -> Explanation:
    algorithm = case.token.header.get("alg")
    yield "holds", f"alg {quote(algorithm)}"
    yield "expected", f"one of OAUTH_ALGORITHMS: {', '.join(case.policy.algorithms)}"
    if str(algorithm).startswith("HS"):
        yield "to do", "It is signed with a shared secret: anyone who can verify it can also forge it."
    elif str(algorithm) in ASYMMETRIC_ALGORITHMS:
        yield "to do", f"If the issuer signs with it on purpose, add {algorithm} to OAUTH_ALGORITHMS."
    yield "to do", f"{AUTH0_API} > Settings > Signing Algorithm: RS256. If it is locked, create a new API."


def _explain_header(case: Case) -> Explanation:
    yield "holds", f"a header with the members {quote(sorted(case.token.header))}"
    yield "expected", f"a header that does not change what is signed; {case.reason}"
    yield "to do", _GET_ANOTHER
    yield "to do", "If the issuer always adds it, only the issuer can turn it off."


def _explain_type(case: Case) -> Explanation:
    header = case.token.header
    yield "holds", f"typ {quote(header['typ'])}" if "typ" in header else "no typ"
    if case.policy.profile is Profile.RFC_9068:
        yield "expected", "at+jwt: OAUTH_TOKEN_PROFILE is rfc9068"
        yield "to do", f"{AUTH0_API} > Settings > JSON Web Token (JWT) Profile: RFC 9068."
        yield "to do", "Or set OAUTH_TOKEN_PROFILE=auth0, and the API accepts other access tokens too."
        return
    yield "expected", "JWT or at+jwt, or no typ"
    yield "to do", _GET_ANOTHER
    yield "to do", "An ID token is for the client that requested it, never for an API."


def _explain_key(case: Case) -> Explanation:
    header = case.token.header
    yield "holds", f"kid {quote(header['kid'])}, alg {quote(header['alg'])}" if "kid" in header else "no kid"
    yield "expected", "a current key of the issuer; a token without kid needs an issuer with exactly one key"
    yield "to do", "The key is retired, another tenant's or forged: get a new token from the issuer."


def _explain_signature(case: Case) -> Explanation:
    yield "holds", f"a signature that the key {quote(case.token.header.get('kid'))} did not make"
    yield "expected", f"exactly what the issuer signed; {case.reason}"
    yield "to do", _GET_ANOTHER
    yield "to do", "If the API refuses a new token too, somebody forges tokens in the issuer's name."


EXPLAINERS: Mapping[Fault, Callable[[Case], Explanation]] = {
    Fault.ALGORITHM: _explain_algorithm,
    Fault.HEADER: _explain_header,
    Fault.TYPE: _explain_type,
    **CLAIM_EXPLAINERS,
    Fault.KEY: _explain_key,
    Fault.SIGNATURE: _explain_signature,
}


def _explain_unavailable(case: Case) -> Explanation:
    yield "holds", f"a signature under the kid {quote(case.token.header.get('kid'))}, valid or not"
    yield "expected", "the issuer's keys, to verify it with"
    yield "to do", "The token may be valid. Try again once manage.py check_issuer reports no failure."


def _explain_scopes(case: Case, verified: VerifiedToken, required: frozenset[str]) -> Explanation:
    needed, scope_claims = " ".join(sorted(required)), case.policy.scope_claims
    yield "holds", f"{quote(' '.join(sorted(verified.scopes)))} in {' and '.join(scope_claims)}"
    yield "expected", needed
    permissions = case.token.claims.get("permissions")
    if isinstance(permissions, list) and all(scope in permissions for scope in required):
        if "permissions" in scope_claims:
            yield "to do", "Its permissions name it, but they are a user's: the client may not use them."
        else:
            names = ",".join([*scope_claims, "permissions"])
            yield "to do", f"Its permissions name it: to accept them, set OAUTH_SCOPE_CLAIMS={names}"
    client = f"{AUTH0_API} > Machine to Machine Applications > {quote(verified.client_id)}"
    yield "to do", f"{client}: tick {needed}, then get a new token. Permissions is where it is defined."
    yield "to do", f"Some issuers grant only requested scopes: for upload_timesheet set OAUTH_SCOPE={needed}."
