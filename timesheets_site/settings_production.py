"""Production: everything is required, and all that is missing is named at once."""

from timesheets_site.environment import Environment
from timesheets_site.settings_base import *  # noqa: F403
from timesheets_site.settings_base import (
    INSTALLED_APPS_WITH_ADMIN,
    MIDDLEWARE_WITH_ADMIN,
    REST_FRAMEWORK_WITH_SIGN_IN,
    TEMPLATES_WITH_ADMIN,
    database,
)

env = Environment()

DEBUG = False
SECRET_KEY = env.str("DJANGO_SECRET_KEY")
database_url = env.str("DATABASE_URL")
ALLOWED_HOSTS: list[str] = env.list("TIMESHEETS_ALLOWED_HOSTS")
TIMESHEETS_TIME_ZONE = env.str("TIMESHEETS_TIME_ZONE", "UTC")
TIMESHEETS_PUBLIC_URL = env.str("TIMESHEETS_PUBLIC_URL")
OAUTH = env.read_oauth()
BEHIND_PROXY = env.bool("TIMESHEETS_BEHIND_PROXY", False)
TIMESHEETS_BROWSER_SIGN_IN = env.bool("TIMESHEETS_BROWSER_SIGN_IN", False)
HAS_ADMIN = env.bool("TIMESHEETS_ADMIN", False)

env.seal()

DATABASES = {"default": database(database_url)}

if TIMESHEETS_BROWSER_SIGN_IN:
    REST_FRAMEWORK = REST_FRAMEWORK_WITH_SIGN_IN
if HAS_ADMIN:
    INSTALLED_APPS = INSTALLED_APPS_WITH_ADMIN
    MIDDLEWARE = MIDDLEWARE_WITH_ADMIN
    TEMPLATES = TEMPLATES_WITH_ADMIN

# Tokens and people's hours travel over TLS only.
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SECURE = True
# Browsers take a cookie with this prefix only over TLS and only from this host, not from one beside it.
CSRF_COOKIE_NAME = "__Host-csrftoken"
SESSION_COOKIE_NAME = "__Host-sessionid"
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

SILENCED_SYSTEM_CHECKS = [
    # Whether other hosts of the domain speak TLS too, and whether browsers' lists shall hold the
    # domain, is for the domain's owner to say, not for one API on it.
    "security.W005",
    "security.W021",
]
