"""What the tests and the servers they start run under: the shared settings, without DEBUG."""

import os

from timesheets_site.settings_base import *  # noqa: F403
from timesheets_site.settings_base import database

SECRET_KEY = "a key that is long enough for Django and guards nothing but tests"
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
DATABASES = {"default": database(os.environ.get("TEST_DATABASE_URL", "sqlite:///:memory:"))}

# A safe hash takes half a second, which is Django's concern.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Tests turn sign-in on and off.
MIDDLEWARE = MIDDLEWARE_WITH_SIGN_IN  # noqa: F405

TIMESHEETS_PUBLIC_URL = "https://timesheets.example.com"

_ISSUER = os.environ.get("TEST_ISSUER", "http://127.0.0.1:1/")
OAUTH = {
    "AUTH0_DOMAIN": "",
    "ISSUER": _ISSUER,
    "JWKS_URL": f"{_ISSUER}.well-known/jwks.json",
    "AUDIENCE": "https://timesheets.example.com",
    "ALGORITHMS": ["RS256"],
    "TOKEN_PROFILE": "auth0",
    "SCOPE_CLAIMS": ["scope", "scp"],
    "ALSO_ISSUERS": [],
    "FORMER_ISSUERS": [],
    "LEEWAY_SECONDS": 30,
    "CA_FILE": "",
    "WEB_CLIENT_ID": "",
    "WEB_CLIENT_SECRET": "",
    "WEB_SCOPES": [],
    "AUDIENCE_PARAMETER": "resource",
    "CLIENT_AUTH": "",
}
