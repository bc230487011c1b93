"""Production: no defaults for secrets, hosts and issuer. Reports all missing variables at once."""

from timesheets_site import settings_base as base
from timesheets_site.environment import Environment
from timesheets_site.settings_base import *  # noqa: F403

env = Environment()

DEBUG = False
SECRET_KEY = env.str("DJANGO_SECRET_KEY")
database_url = env.str("DATABASE_URL")
ALLOWED_HOSTS: list[str] = env.list("TIMESHEETS_ALLOWED_HOSTS")
TIMESHEETS_TIME_ZONE = env.str("TIMESHEETS_TIME_ZONE", "UTC")
TIMESHEETS_PUBLIC_URL = env.str("TIMESHEETS_PUBLIC_URL")
OAUTH = env.read_oauth()
TIMESHEETS_BEHIND_PROXY = env.bool("TIMESHEETS_BEHIND_PROXY", False)
TIMESHEETS_BROWSER_SIGN_IN = env.bool("TIMESHEETS_BROWSER_SIGN_IN", False)
TIMESHEETS_THROTTLE = env.str("TIMESHEETS_THROTTLE", "")
TIMESHEETS_ASSIGNMENTS = env.str("TIMESHEETS_ASSIGNMENTS", "")
TIMESHEETS_MAX_AGE_DAYS = env.int("TIMESHEETS_MAX_AGE_DAYS", None)
TIMESHEETS_MAX_AHEAD_DAYS = env.int("TIMESHEETS_MAX_AHEAD_DAYS", None)
HAS_ADMIN = env.bool("TIMESHEETS_ADMIN", False)
TIMESHEETS_METRICS = env.bool("TIMESHEETS_METRICS", False)

env.seal()

DATABASES = {"default": base.database(database_url)}

REST_FRAMEWORK = base.rest_framework(has_pages=TIMESHEETS_BROWSER_SIGN_IN, throttle=TIMESHEETS_THROTTLE)

if TIMESHEETS_BROWSER_SIGN_IN:
    MIDDLEWARE = base.MIDDLEWARE_WITH_SIGN_IN
if HAS_ADMIN:
    INSTALLED_APPS = base.INSTALLED_APPS_WITH_ADMIN
    MIDDLEWARE = base.MIDDLEWARE_WITH_ADMIN
    TEMPLATES = base.TEMPLATES_WITH_ADMIN

# Tokens and entries travel only over TLS.
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SECURE = True
# Browsers accept a cookie with this prefix only over TLS and only from this host, not from a sibling host.
CSRF_COOKIE_NAME = "__Host-csrftoken"
SESSION_COOKIE_NAME = "__Host-sessionid"
if TIMESHEETS_METRICS:
    # Prometheus on this machine calls an address, not a name, over plain HTTP.
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "127.0.0.1", "[::1]", "localhost"]
    SECURE_REDIRECT_EXEMPT = [*base.SECURE_REDIRECT_EXEMPT, "^metrics$"]
if TIMESHEETS_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

SILENCED_SYSTEM_CHECKS = [
    # HSTS for subdomains and the preload list are decisions of the domain's owner, not of one API on it.
    "security.W005",
    "security.W021",
    # ProblemMiddleware sets X-Frame-Options, X-Content-Type-Options and Referrer-Policy.
    "security.W002",
    "security.W006",
    "security.W022",
    # The protection against forged forms. Without sessions there is nothing that such a form could use.
    "security.W003",
]
