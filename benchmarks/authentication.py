"""What does it cost to decide about a token? `python -m benchmarks.authentication`

JWTAuthentication, from the header to the principal, beside a bare RSA verification, PyJWT's `decode`
with the key at hand, and PyJWT's documented recipe, PyJWKClient and `decode`.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings_server")
django.setup()

import jwt
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from django.test import RequestFactory, override_settings
from rest_framework.request import Request

from benchmarks.timing import print_table, time_in_turns
from tests.issuer import Issuer
from timesheets.authentication import JWTAuthentication

DECODE = "PyJWT decode, key at hand"


def main() -> None:
    issuer = Issuer(audience=settings.OAUTH["AUDIENCE"])
    jwks_url = f"{issuer.url}.well-known/jwks.json"
    override_settings(OAUTH={**settings.OAUTH, "ISSUER": issuer.url, "JWKS_URL": jwks_url}).enable()
    token = issuer.mint()
    signed, _, signature = token.rpartition(".")
    signature_bytes = jwt.utils.base64url_decode(signature)
    public_key = issuer.key.private_key.public_key()
    client = jwt.PyJWKClient(jwks_url)
    request = Request(
        RequestFactory().post("/timesheets/upload", headers={"Authorization": f"Bearer {token}"})
    )
    authentication = JWTAuthentication()

    def decode(key: object) -> object:
        return jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=issuer.audience,
            issuer=issuer.url,
            leeway=30,
            options={"require": ["aud", "exp", "iat", "iss"]},
        )

    ways = {
        "RSA verification alone": lambda: public_key.verify(
            signature_bytes, signed.encode(), PKCS1v15(), SHA256()
        ),
        DECODE: lambda: decode(public_key),
        "PyJWKClient and decode": lambda: decode(client.get_signing_key_from_jwt(token)),
        "JWTAuthentication": lambda: authentication.authenticate(request),
    }
    print_table(time_in_turns(ways, rounds=15, calls=1000), rival=DECODE)
    issuer.close()


if __name__ == "__main__":
    main()
