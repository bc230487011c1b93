"""Make the signed access token of a grant, in the profile of Auth0's default access tokens."""

import jwt

from timesheets_site.devissuer.grants import Grant
from timesheets_site.devissuer.keys import SigningKey

LIFETIME_SECONDS = 24 * 3600


def mint_access_token(grant: Grant, *, issuer: str, issued_at: int, key: SigningKey) -> str:
    """A token that is valid for LIFETIME_SECONDS from `issued_at`, in seconds since the epoch."""
    claims = {
        "iss": issuer,
        "sub": f"{grant.client_id}@clients",
        "aud": grant.audience,
        "iat": issued_at,
        "exp": issued_at + LIFETIME_SECONDS,
        "gty": "client-credentials",
        "azp": grant.client_id,
        "scope": grant.scope,
    }
    return jwt.encode(claims, key.private_key, algorithm="RS256", headers={"typ": "JWT", "kid": key.kid})
