"""What does it cost to authenticate a request? `python -m benchmarks.authentication`

Runs JWTAuthentication, from the header to the principal. The rivals are a bare RSA verification, PyJWT's
`decode` with a key in memory, and the recipe in PyJWT's documentation: PyJWKClient and `decode`.
"""

import os
from contextlib import closing
from typing import Any

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
from tests.kit.issuer import Issuer
from timesheets.authentication import JWTAuthentication

DECODE = "PyJWT decode, key in memory"


def compare(issuer: Issuer) -> None:
    token = issuer.mint()
    signed, _, signature = token.rpartition(".")
    signature_bytes = jwt.utils.base64url_decode(signature)
    public_key = issuer.key.private_key.public_key()
    client = jwt.PyJWKClient(issuer.jwks_url)
    headers = {"Authorization": f"Bearer {token}"}
    request = Request(RequestFactory().post("/timesheets/upload", headers=headers))
    authentication = JWTAuthentication()
    required: dict[str, Any] = {
        "algorithms": ["RS256"],
        "audience": issuer.audience,
        "issuer": issuer.url,
        "leeway": 30,
        "options": {"require": ["aud", "exp", "iat", "iss"]},
    }

    def decode(key: Any) -> object:
        return jwt.decode(token, key, **required)

    ways = {
        "RSA verification alone": lambda: public_key.verify(
            signature_bytes, signed.encode(), PKCS1v15(), SHA256()
        ),
        DECODE: lambda: decode(public_key),
        "PyJWKClient and decode": lambda: decode(client.get_signing_key_from_jwt(token)),
        "JWTAuthentication": lambda: authentication.authenticate(request),
    }
    print_table(time_in_turns(ways, rounds=15, calls=1000), rival=DECODE)


def main() -> None:
    with closing(Issuer()) as issuer:
        oauth = {**settings.OAUTH, "ISSUER": issuer.url, "JWKS_URL": issuer.jwks_url}
        with override_settings(OAUTH=oauth):
            compare(issuer)


if __name__ == "__main__":
    main()
