"""The settings that every environment shares: no secret, no issuer, no host."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = [
    "timesheets",
    "rest_framework",
    "drf_spectacular_sidecar",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "timesheets.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "timesheets.middleware.HostMiddleware",
]
# People have sessions and forms. Machines do without them.
MIDDLEWARE_WITH_SIGN_IN = [
    *MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "timesheets.browser.forms.FormMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

ROOT_URLCONF = "timesheets.urls"

# Load balancers probe over plain HTTP.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]

# ProblemMiddleware sets these headers, in a fraction of the time.
SECURE_CONTENT_TYPE_NOSNIFF = False
SECURE_REFERRER_POLICY = None
SECURE_CROSS_ORIGIN_OPENER_POLICY = None

# A path with a trailing slash is a different path. A redirect would lose the body of a POST.
APPEND_SLASH = False


def templates(*context_processors: str) -> list[dict[str, Any]]:
    names = ["django.template.context_processors.request", *context_processors]
    backend = "django.template.backends.django.DjangoTemplates"
    return [{"BACKEND": backend, "APP_DIRS": True, "OPTIONS": {"context_processors": names}}]


TEMPLATES = templates()

# The admin, and what Django requires for it. Development has it. Production has it if TIMESHEETS_ADMIN
# says so. Without it there are no user accounts.
INSTALLED_APPS_WITH_ADMIN = [
    *INSTALLED_APPS,
    # Simple: urls.py registers the pages, so that nothing imports them before the first request for one.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
]
MIDDLEWARE_WITH_ADMIN = [
    *MIDDLEWARE_WITH_SIGN_IN,
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES_WITH_ADMIN = templates(
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)
# Messages need no extra cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]

# No form has a file, so nobody can fill disk or memory with one. Without any handler, Django would read
# a multipart body in chunks of 2 GiB.
FILE_UPLOAD_HANDLERS = ["timesheets.browser.forms.FileRefusingUploadHandler"]

# Scripts cannot read the cookies, and no other site's page can make a browser send them.
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True

STATIC_URL = "static/"
# Serve static files directly from the packages, so that no deployment has to collect them.
WHITENOISE_USE_FINDERS = True

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def database(url: str) -> dict[str, Any]:
    """Return Django's configuration of the SQLite or PostgreSQL database at `url`."""
    try:
        configuration: dict[str, Any] = {**dj_database_url.parse(url)}
    except ValueError:
        advice = "Write postgres://user:password@host/name or sqlite:////path. Percent-encode the rest."
        raise ImproperlyConfigured(f"DATABASE_URL: {advice}") from None
    options = configuration.setdefault("OPTIONS", {})
    if configuration["ENGINE"] == "django.db.backends.sqlite3":
        # A write-ahead log and a sync at every commit: acknowledged entries survive a power cut. A
        # transaction takes the write lock when it begins, so writers queue instead of failing. To open a
        # connection takes longer than to read an entry.
        configuration["CONN_MAX_AGE"] = 60
        options |= {"transaction_mode": "IMMEDIATE", "init_command": SQLITE_PRAGMAS}
    elif configuration["ENGINE"] == "django.db.backends.postgresql":
        # A limited number of connections, each checked before use, because a database restart breaks
        # them. A request that waits too long for a connection or a lock gets 503.
        configuration["CONN_HEALTH_CHECKS"] = True
        pool = {"min_size": 1, "max_size": 16, "timeout": 2, "reconnect_timeout": 3}
        # 2 is READ COMMITTED, whatever the database's default: a statement sees what others have committed.
        options |= {"pool": pool, "isolation_level": 2, **POSTGRESQL_OPTIONS, **options}
    return configuration


# Every wait has a limit: for a database that is slow or gone, and for an upload that stalls with an open
# transaction, which holds readers back. Only `migrate` lifts the limit of a statement (timesheets/apps.py).
POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "options": "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s",
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

SQLITE_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 10000;
"""


def rest_framework(*, has_pages: bool = False, throttle: str = "") -> dict[str, Any]:
    """DRF's settings. People get pages as well as JSON, and a browser's session instead of the header."""
    authentication = ["timesheets.authentication.JWTAuthentication"]
    renderers = ["timesheets.renderers.PlainJSONRenderer"]
    if has_pages:
        authentication.append("timesheets.browser.sessions.SessionAuthentication")
        renderers.append("timesheets.browser.pages.PageRenderer")
    return {
        "DEFAULT_AUTHENTICATION_CLASSES": authentication,
        "DEFAULT_PERMISSION_CLASSES": ["timesheets.permissions.HasScope"],
        "DEFAULT_THROTTLE_CLASSES": ["timesheets.permissions.ClientThrottle"] if throttle else [],
        # `timesheets.uploads.body` reads bodies, within limits.
        "DEFAULT_PARSER_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": renderers,
        "DEFAULT_CONTENT_NEGOTIATION_CLASS": "timesheets.negotiation.QualityNegotiation",
        "EXCEPTION_HANDLER": "timesheets.exceptions.problem_handler",
        # A caller without a valid token has no identity. Accounts are only for the admin.
        "UNAUTHENTICATED_USER": None,
        # Only the Accept header selects the format. `?format=` is an unknown parameter.
        "URL_FORMAT_OVERRIDE": None,
    }


REST_FRAMEWORK = rest_framework()

# docs/settings.md says what these mean.
TIMESHEETS_TIME_ZONE = "UTC"
TIMESHEETS_BEHIND_PROXY = False
TIMESHEETS_BROWSER_SIGN_IN = False
TIMESHEETS_METRICS = False
TIMESHEETS_THROTTLE = ""
TIMESHEETS_ASSIGNMENTS = ""
TIMESHEETS_MAX_AGE_DAYS: int | None = None
TIMESHEETS_MAX_AHEAD_DAYS: int | None = None

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "timesheets.logs.JSONFormatter"},
        # For people to read.
        "text": {
            "()": "timesheets.logs.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        },
    },
    "handlers": {
        kind: {"class": "timesheets.logs.SharedStreamHandler", "formatter": kind} for kind in ("json", "text")
    },
    "root": {"handlers": ["json"], "level": "INFO"},
    "loggers": {
        # Remove Django's own handlers. That of the root handles all records.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # The development server's access lines would repeat ours.
        "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
    },
}
