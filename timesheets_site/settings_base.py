"""What development, production and the tests' servers share: no secret, no issuer, no host."""

from pathlib import Path
from typing import Any

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = [
    "timesheets",
    "rest_framework",
]

MIDDLEWARE = [
    "timesheets.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "timesheets_site.urls"

# A path with a trailing slash is another address, and no redirect loses the body of a POST.
APPEND_SLASH = False

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# The zone whose midnight a date without a time of day means.
TIMESHEETS_TIME_ZONE = "UTC"

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def database(url: str) -> dict[str, Any]:
    """Django's configuration of the database at `url`: SQLite or PostgreSQL.

    SQLite writes ahead and syncs every commit, so what is acknowledged survives a power cut; a
    transaction takes the one writer's place when it begins, so writers queue instead of failing.
    """
    configuration: dict[str, Any] = {**dj_database_url.parse(url)}
    if configuration["ENGINE"] == "django.db.backends.sqlite3":
        configuration["OPTIONS"] = {
            **configuration.get("OPTIONS", {}),
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    return configuration


REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["timesheets.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["timesheets.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["timesheets.parsers.EntryParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "timesheets.exceptions.problem_handler",
    # A caller without a valid token is nobody at all; there are no user accounts.
    "UNAUTHENTICATED_USER": None,
    # The Accept header alone chooses the format; `?format=` is an unknown parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "timesheets.logs.RequestIdFilter"}},
    "formatters": {
        "line": {
            "()": "timesheets.logs.TokenFreeFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        },
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Django's own configuration gives these handlers of their own; the one above serves all.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
