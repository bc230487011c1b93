"""Development: DEBUG, SQLite next to manage.py, and the development issuer. Needs no variable."""

from django.core.management.utils import get_random_secret_key

from timesheets_site import settings_base as base
from timesheets_site.environment import Environment
from timesheets_site.settings_base import *  # noqa: F403

env = Environment()

DEBUG = True
SECRET_KEY = env.str("DJANGO_SECRET_KEY", "") or get_random_secret_key()
database_url = env.str("DATABASE_URL", f"sqlite:///{base.BASE_DIR / 'db.sqlite3'}")
TIMESHEETS_TIME_ZONE = env.str("TIMESHEETS_TIME_ZONE", "UTC")

INSTALLED_APPS = [*base.INSTALLED_APPS_WITH_ADMIN, "timesheets_site.devissuer"]
MIDDLEWARE = base.MIDDLEWARE_WITH_ADMIN
TEMPLATES = base.TEMPLATES_WITH_ADMIN
LOGGING = {**base.LOGGING, "root": {"handlers": ["text"], "level": "INFO"}}
TIMESHEETS_BROWSER_SIGN_IN = True
TIMESHEETS_THROTTLE = env.str("TIMESHEETS_THROTTLE", "")
TIMESHEETS_ASSIGNMENTS = env.str("TIMESHEETS_ASSIGNMENTS", "")
TIMESHEETS_MAX_AGE_DAYS = env.int("TIMESHEETS_MAX_AGE_DAYS", None)
TIMESHEETS_MAX_AHEAD_DAYS = env.int("TIMESHEETS_MAX_AHEAD_DAYS", None)
REST_FRAMEWORK = base.rest_framework(has_pages=True, throttle=TIMESHEETS_THROTTLE)

# The development issuer replaces Auth0 and shares the API's address.
ROOT_URLCONF = "timesheets_site.devissuer.urls"
TIMESHEETS_DEV_PORT = env.int("TIMESHEETS_DEV_PORT", 8000)
DEVISSUER_ISSUER = f"http://127.0.0.1:{TIMESHEETS_DEV_PORT}/"
TIMESHEETS_PUBLIC_URL = env.str("TIMESHEETS_PUBLIC_URL", f"http://127.0.0.1:{TIMESHEETS_DEV_PORT}")
DEVISSUER_AUDIENCE = "https://timesheets.example.com"
DEVISSUER_KEY_FILE = base.BASE_DIR / ".devissuer-key.pem"
DEVISSUER_CLIENTS = {
    name: {"client_secret": f"development-secret-of-{name}", "scope": scope}
    for name, scope in {
        # Only the client that uploaded an entry can correct it.
        **dict.fromkeys(("payroll", "agency", "studio"), "batch:upload correct:timesheets read:timesheets"),
        "reporting": "read:all-timesheets read:timesheets",
    }.items()
}
# The client of the pages, and who may sign in through it.
DEVISSUER_WEB_CLIENT = {
    "client_id": "pages",
    "client_secret": "development+secret+of+pages",
    "redirect_uris": [f"{TIMESHEETS_PUBLIC_URL.rstrip('/')}/sign-in/callback"],
}
DEVISSUER_PEOPLE = {
    "payroll": "batch:upload correct:timesheets read:all-timesheets read:timesheets",
    "reporting": "read:all-timesheets read:timesheets",
    "manager": "read:timesheets",
}

OAUTH = env.read_oauth(
    development={
        "ISSUER": DEVISSUER_ISSUER,
        "JWKS_URL": f"{DEVISSUER_ISSUER}.well-known/jwks.json",
        "AUDIENCE": DEVISSUER_AUDIENCE,
        "WEB_CLIENT_ID": DEVISSUER_WEB_CLIENT["client_id"],
        "WEB_CLIENT_SECRET": DEVISSUER_WEB_CLIENT["client_secret"],
        "AUDIENCE_PARAMETER": "resource",
    }
)

# Defaults of the variables that `manage.py upload_timesheet` reads.
UPLOADER_DEVELOPMENT_VARIABLES = {
    "OAUTH_TOKEN_URL": f"{DEVISSUER_ISSUER}oauth/token",
    "AUTH0_AUDIENCE": DEVISSUER_AUDIENCE,
    "AUTH0_CLIENT_ID": "payroll",
    "AUTH0_CLIENT_SECRET": DEVISSUER_CLIENTS["payroll"]["client_secret"],
    "TIMESHEETS_API_URL": f"http://127.0.0.1:{TIMESHEETS_DEV_PORT}",
}

env.seal()

DATABASES = {"default": base.database(database_url)}
