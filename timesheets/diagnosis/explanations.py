"""Why a token is refused: by fault, which of its members matter, what the API expects, and what to do."""

from collections.abc import Mapping

from timesheets.diagnosis.wording import describe_duration
from timesheets.trust.token_rules import MAX_LIFETIME_SECONDS, MAX_NAME_LENGTH, Fault

# The page of Auth0's dashboard that most remedies name.
_AUTH0_API = "Auth0: Applications > APIs > this API"
_GET_ANOTHER = "Get a new token, and send the whole access_token of the issuer's response."

_CLIENT = (
    "client_id azp sub jti",
    f"the client's id, a string of 1 to {MAX_NAME_LENGTH} characters; {{reason}}",
    "Have the issuer name the client in client_id (RFC 9068) or azp (Auth0).",
)
# The texts are templates for the facts of `explain`.
EXPLANATIONS: Mapping[str, tuple[str, ...]] = {
    "credentials": (
        "",
        "at most {max_length} of A-Z a-z 0-9 . _ ~ + / -, and = only at the end",
        _GET_ANOTHER,
    ),
    Fault.MALFORMED: (
        "",
        "a signed JWT, three parts of base64url separated by dots; {reason}",
        "Auth0 issues opaque and encrypted ones if the request names no audience: request {audience}.",
        f"If it is encrypted: {_AUTH0_API} > Settings: turn off the encryption of access tokens.",
        "Send refresh tokens, authorization codes and secrets only to the issuer, never to an API.",
        _GET_ANOTHER,
    ),
    Fault.ALGORITHM: (
        "alg",
        "one of OAUTH_ALGORITHMS: {algorithms}",
        "If the issuer signs with another one on purpose, add it to OAUTH_ALGORITHMS.",
        "HS256 and others with a shared secret are refused: anyone who can verify it can also forge it.",
        f"{_AUTH0_API} > Settings > Signing Algorithm: RS256. If it is locked, create a new API.",
    ),
    Fault.HEADER: (
        "crit b64 zip enc cty kid",
        "a header that does not change what is signed; {reason}",
        _GET_ANOTHER,
        "If the issuer always adds it, only the issuer can turn it off.",
    ),
    Fault.TYPE: (
        "typ",
        "{types}",
        "An ID token is for the client that requested it, never for an API: send the access_token.",
        f"For at+jwt: {_AUTH0_API} > Settings > JSON Web Token (JWT) Profile: RFC 9068.",
        "With OAUTH_TOKEN_PROFILE=auth0, the API accepts other access tokens too.",
    ),
    Fault.ISSUER: (
        "iss",
        '"{issuer}"',
        "If the API is right, request the token from {issuer} instead.",
        "If the token is right, set OAUTH_ISSUER to its iss: every byte counts.",
        "For an Auth0 tenant, set AUTH0_DOMAIN instead: it adds the scheme and the slash.",
        "An Auth0 tenant with a custom domain writes the requested domain into iss.",
    ),
    Fault.AUDIENCE: (
        "aud",
        "{audience}, alone or in a list of strings",
        "Request the token with the audience {audience}. Without one, Auth0's tokens are for /userinfo.",
        "If aud is a client's id, it looks like an ID token: send the access_token, not the id_token.",
        "If the issuer knows this API by another identifier, set AUTH0_AUDIENCE to it.",
    ),
    Fault.TIMES: (
        "iat nbf exp",
        "iat and exp, and nbf if present, as numbers of seconds since 1970; {reason}",
        "Have the issuer set them: otherwise nobody knows when the token expires.",
    ),
    Fault.EXPIRED: (
        "exp",
        "a future time, give or take {leeway}",
        "Get a new token. A client may keep one for expires_in seconds, no longer.",
    ),
    Fault.NOT_YET_VALID: (
        "iat nbf",
        "past times, give or take {leeway}",
        "Synchronize the clocks of this machine and of the issuer with NTP.",
    ),
    Fault.LIFETIME: (
        "iat exp",
        f"exp at most {describe_duration(MAX_LIFETIME_SECONDS)} after iat",
        f"{_AUTH0_API} > Settings > Maximum Access Token Lifetime: a day is 86400.",
    ),
    Fault.CLIENT: _CLIENT,
    Fault.NAMES: _CLIENT,
    Fault.BOUND: (
        "cnf",
        "a bearer token: this API does not check the key or certificate that a token is bound to",
        "Request the token without a DPoP header and without a client certificate.",
        "Auth0: turn off sender constraining for the API and the application.",
    ),
    "keys": (
        "kid",
        "the issuer's keys, to verify the signature with",
        "The token may be valid. Try again once manage.py check_issuer reports no failure.",
    ),
    Fault.KEY: (
        "kid alg",
        "a current key of the issuer; a token without kid needs an issuer with exactly one key",
        "The key is retired, another tenant's or forged: get a new token from the issuer.",
    ),
    Fault.SIGNATURE: (
        "kid",
        "a signature by this key of the issuer, of exactly this content; {reason}",
        _GET_ANOTHER,
        "If the API refuses a new token too, somebody forges tokens in the issuer's name.",
    ),
    "scope": (
        "scope scp permissions",
        "{scope} in {claims}",
        f"{_AUTH0_API} > Machine to Machine Applications > {{client}}: tick {{scope}}. Get a new token.",
        f"{_AUTH0_API} > Permissions is where it is defined.",
        "Some issuers grant only requested scopes: for upload_timesheet set OAUTH_SCOPE={scope}.",
        "If permissions names it: set OAUTH_SCOPE_CLAIMS={claims},permissions. A user's never count.",
    ),
}
