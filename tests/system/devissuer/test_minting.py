"""The issuer's tokens look like Auth0's default access tokens."""

from pathlib import Path

import jwt
import pytest

from timesheets_site.devissuer.keys import SigningKey, obtain_signing_key
from timesheets_site.devissuer.tokens import mint_access_token


@pytest.fixture
def key(key_file: Path) -> SigningKey:
    return obtain_signing_key(key_file)


@pytest.fixture
def token(key: SigningKey) -> str:
    return mint_access_token(
        client_id="payroll",
        audience="https://timesheets.example.com",
        scope="batch:upload read:timesheets",
        issuer="http://127.0.0.1:8000/",
        issued_at=1_700_000_000,
        key=key,
    )


def test_a_token_carries_the_claims_of_auth0s_default_profile(token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims == {
        "iss": "http://127.0.0.1:8000/",
        "sub": "payroll@clients",
        "aud": "https://timesheets.example.com",
        "iat": 1_700_000_000,
        "exp": 1_700_086_400,
        "gty": "client-credentials",
        "azp": "payroll",
        "scope": "batch:upload read:timesheets",
    }


def test_a_tokens_header_has_only_type_algorithm_and_key_id(token: str, key: SigningKey) -> None:
    header = jwt.get_unverified_header(token)

    assert header == {"typ": "JWT", "alg": "RS256", "kid": key.kid}
