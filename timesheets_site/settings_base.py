"""What development, production and the tests' servers share: no secret, no issuer, no host."""

from pathlib import Path
from typing import Any

import dj_database_url

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
    "timesheets.middleware.SecurityHeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "timesheets.browser.forms.FormMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

ROOT_URLCONF = "timesheets_site.urls"

# A path with a trailing slash is another address, and no redirect loses the body of a POST.
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

# The admin, and all that Django wants for it. Development has it, production if it says so; without it
# there are no user accounts.
INSTALLED_APPS_WITH_ADMIN = [
    *INSTALLED_APPS,
    # Its pages are registered by hand: nothing is imported before an address of theirs is asked for.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
]
MIDDLEWARE_WITH_ADMIN = [
    *MIDDLEWARE,
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES_WITH_ADMIN: list[dict[str, Any]] = [
    {
        **TEMPLATES[0],
        "OPTIONS": {
            "context_processors": [
                *TEMPLATES[0]["OPTIONS"]["context_processors"],
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Without a cookie of their own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Forms hold no files, so nobody can fill disk or memory with one. Without a handler, Django would read a
# multipart body in chunks of 2 GiB.
FILE_UPLOAD_HANDLERS = ["timesheets.browser.forms.FileRefusal"]

# A browser's session: no script reads the cookies, and no other site's page makes a browser send them.
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True

STATIC_URL = "static/"
# Straight from the packages: there is no folder to collect them in, and so none to forget.
WHITENOISE_USE_FINDERS = True

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# The zone whose midnight a date without a time of day means.
TIMESHEETS_TIME_ZONE = "UTC"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def database(url: str) -> dict[str, Any]:
    """Django's configuration of the database at `url`: SQLite or PostgreSQL."""
    configuration: dict[str, Any] = {**dj_database_url.parse(url)}
    options = configuration.setdefault("OPTIONS", {})
    if configuration["ENGINE"] == "django.db.backends.sqlite3":
        # It writes ahead and syncs every commit, so what is acknowledged survives a power cut. A
        # transaction takes the one writer's place when it begins, so writers queue instead of failing.
        options |= {"transaction_mode": "IMMEDIATE", "init_command": SQLITE_PRAGMAS}
    elif configuration["ENGINE"] == "django.db.backends.postgresql":
        # A bounded number of connections, each tried before it is used, so none outlives a restart of the
        # database; whoever gets none in time, or waits for a lock too long, is told to come again.
        configuration["CONN_HEALTH_CHECKS"] = True
        pool = {"min_size": 1, "max_size": 16, "timeout": 2, "reconnect_timeout": 3}
        # 2 is READ COMMITTED, whatever the database's own default: what another has stored is seen.
        options |= {"pool": pool, "isolation_level": 2, **POSTGRESQL_OPTIONS, **options}
    return configuration


# Nobody waits for ever, for a database that answers or for one that is gone, nor for an upload that stands
# still with its transaction open, which readers would stop before. Longer migrations can say so in
# DATABASE_URL: ?options=-c%20statement_timeout=0
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
PRAGMA cache_size = -64000;
PRAGMA wal_autocheckpoint = 10000;
"""

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["timesheets.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["timesheets.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": [
        "timesheets.parsers.JSONParser",
        "timesheets.parsers.NDJSONParser",
        "timesheets.parsers.CSVParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "timesheets.negotiation.QualityNegotiation",
    "EXCEPTION_HANDLER": "timesheets.exceptions.problem_handler",
    # A caller without a valid token is nobody at all. Accounts are for the admin only.
    "UNAUTHENTICATED_USER": None,
    # The Accept header alone chooses the format; `?format=` is an unknown parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
}

# For people: pages beside JSON, and a browser's session in place of the header. Development has them,
# production if it says so.
TIMESHEETS_BROWSER_SIGN_IN = False
REST_FRAMEWORK_WITH_SIGN_IN: dict[str, Any] = {
    **REST_FRAMEWORK,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        *REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"],
        "timesheets.browser.sessions.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        *REST_FRAMEWORK["DEFAULT_RENDERER_CLASSES"],
        "timesheets.browser.pages.PageRenderer",
    ],
}
# Only development has an issuer whose clients a button signs in.
TIMESHEETS_DEVELOPMENT_SIGN_IN: dict[str, Any] = {"token_url": "", "client_secrets": {}}

DEFAULT_EXCEPTION_REPORTER = "timesheets.error_reports.RedactingReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "timesheets.error_reports.RedactingReporterFilter"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "timesheets.logs.RequestIdFilter"},
        "refusal": {"()": "timesheets.logs.RefusalFilter"},
    },
    "formatters": {
        "line": {
            "()": "timesheets.logs.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        },
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id", "refusal"],
        },
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Django's own configuration gives these handlers of their own; the one above serves all.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
