"""The rules for a token in the API's order, and by fault what the API expects, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from timesheets.diagnosis.wording import describe_duration
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS, MAX_NAME_LENGTH, Fault


@dataclass(frozen=True)
class Rule:
    """A statement about the token."""

    text: str
    # The members of the token that it is about; empty if it is about the whole text.
    members: str
    # The faults, or codes of other errors, that say that it is broken or unknown.
    faults: tuple[str, ...]


# In the API's order: those of RULES in the trust package, and those before and after them.
STEPS = (
    Rule("it fits in the Authorization header", "", ("invalid_request",)),
    Rule("it is a signed JWT", "", (Fault.MALFORMED,)),
    Rule("its algorithm is allowed", "alg", (Fault.ALGORITHM,)),
    Rule("its header does not change what is signed", "crit b64 zip enc cty kid", (Fault.HEADER,)),
    Rule("it is an access token", "typ", (Fault.TYPE,)),
    Rule("it comes from the trusted issuer", "iss", (Fault.ISSUER,)),
    Rule("it is for this API", "aud", (Fault.AUDIENCE,)),
    Rule("it is valid now", "iat nbf exp", (Fault.TIMES, Fault.EXPIRED, Fault.NOT_YET_VALID, Fault.LIFETIME)),
    Rule("it names its client", "client_id azp sub jti", (Fault.CLIENT, Fault.NAMES)),
    Rule("it is not bound to a key", "cnf", (Fault.BOUND,)),
    Rule(
        "it is signed with one of the issuer's keys",
        "kid alg",
        (Fault.KEY, Fault.SIGNATURE, "issuer_unavailable"),
    ),
    Rule("it grants {scope}", "scope scp permissions", ("insufficient_scope",)),
)

# The page of Auth0's dashboard that most remedies name.
_AUTH0_API = "Auth0: Applications > APIs > this API"
_GET_ANOTHER = "Get a new token, and send the whole access_token of the issuer's response."

_CLIENT = (
    f"the client's id, a string of 1 to {MAX_NAME_LENGTH} characters; {{reason}}",
    "Have the issuer name the client in client_id (RFC 9068) or azp (Auth0).",
)
# By fault: what is expected, then the remedies. The texts are templates for the facts of `explain`.
EXPLANATIONS: Mapping[str, tuple[str, ...]] = {
    "invalid_request": (
        "at most {max_length} of A-Z a-z 0-9 . _ ~ + / -, and = only at the end",
        _GET_ANOTHER,
    ),
    Fault.MALFORMED: (
        "a signed JWT, three parts of base64url separated by dots; {reason}",
        "Auth0 issues opaque and encrypted ones if the request names no audience: request {audience}.",
        f"If it is encrypted: {_AUTH0_API} > Settings: turn off the encryption of access tokens.",
        "Send refresh tokens, authorization codes and secrets only to the issuer, never to an API.",
        _GET_ANOTHER,
    ),
    Fault.ALGORITHM: (
        "one of OAUTH_ALGORITHMS: {algorithms}",
        "If the issuer signs with another one on purpose, add it to OAUTH_ALGORITHMS.",
        "HS256 and others with a shared secret are refused: anyone who can verify it can also forge it.",
        f"{_AUTH0_API} > Settings > Signing Algorithm: RS256. If it is locked, create a new API.",
    ),
    Fault.HEADER: (
        "a header that does not change what is signed; {reason}",
        _GET_ANOTHER,
        "If the issuer always adds it, only the issuer can turn it off.",
    ),
    Fault.TYPE: (
        "{types}",
        "An ID token is for the client that requested it, never for an API: send the access_token.",
        f"For at+jwt: {_AUTH0_API} > Settings > JSON Web Token (JWT) Profile: RFC 9068.",
        "With OAUTH_TOKEN_PROFILE=auth0, the API accepts other access tokens too.",
    ),
    Fault.ISSUER: (
        '"{issuer}"',
        "If the API is right, request the token from {issuer} instead.",
        "If iss is another name of the same tenant, such as its custom domain: add it to OAUTH_ALSO_ISSUERS.",
        "If the API should trust another issuer: OAUTH_ISSUER, or AUTH0_DOMAIN for Auth0; every byte counts.",
        "First rename what it stored (manage.py clients move), or what is sent again counts twice.",
    ),
    Fault.AUDIENCE: (
        "{audience}, alone or in a list of strings",
        "Request the token with the audience {audience}. Without one, Auth0's tokens are for /userinfo.",
        "If aud is a client's id, it looks like an ID token: send the access_token, not the id_token.",
        "If the issuer knows this API by another identifier, set AUTH0_AUDIENCE to it.",
    ),
    Fault.TIMES: (
        "iat and exp, and nbf if present, as numbers of seconds since 1970; {reason}",
        "Have the issuer set them: the API must know when the token expires.",
    ),
    Fault.EXPIRED: (
        "a future exp, give or take {leeway}",
        "Get a new token. A client may keep one for expires_in seconds, no longer.",
    ),
    Fault.NOT_YET_VALID: (
        "past iat and nbf, give or take {leeway}",
        "Synchronize the clocks of this machine and of the issuer with NTP.",
    ),
    Fault.LIFETIME: (
        f"exp at most {describe_duration(MAX_LIFETIME_SECONDS)} after iat",
        f"{_AUTH0_API} > Settings > Maximum Access Token Lifetime: a day is 86400.",
    ),
    Fault.CLIENT: _CLIENT,
    Fault.NAMES: _CLIENT,
    Fault.BOUND: (
        "a bearer token: this API does not check the key or certificate that a token is bound to",
        "Request the token without a DPoP header and without a client certificate.",
        "Auth0: turn off sender constraining for the API and the application.",
    ),
    "issuer_unavailable": (
        "the issuer's keys, to verify the signature with",
        "The token may be valid. Try again once manage.py check_issuer reports no failure.",
    ),
    Fault.KEY: (
        "a current key of the issuer; a token without kid needs an issuer with exactly one key",
        "The key is retired, another tenant's or forged: get a new token from the issuer.",
    ),
    Fault.SIGNATURE: (
        "a signature by this key of the issuer, of exactly this content; {reason}",
        _GET_ANOTHER,
        "If the API refuses a new token as well, an attacker forges tokens in the issuer's name.",
    ),
    "insufficient_scope": (
        "{scope} in {claims}",
        f"{_AUTH0_API} > Machine to Machine Applications > {{client}}: tick {{scope}}. Get a new token.",
        f"{_AUTH0_API} > Permissions is where it is defined.",
        "Some issuers grant only requested scopes: for upload_timesheet set OAUTH_SCOPE={scope}.",
        "If permissions names it: set OAUTH_SCOPE_CLAIMS={claims},permissions. A user's never count.",
    ),
}
