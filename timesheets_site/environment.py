"""Read settings from environment variables, and report all problems with them at once."""

from collections.abc import Mapping
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from environs import EnvValidationError, FileAwareEnv


class Environment(FileAwareEnv):
    """Read variables by name, or from the file that `NAME_FILE` names. An empty variable counts as not set.

    A missing or invalid variable reads as None until `seal()` raises.
    """

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            value = super()._get_value(env_key, default)
        except (ValueError, OSError) as error:
            # The file may hold a secret, so the message has only the kind of error.
            kind = type(error.__cause__ or error).__name__
            raise ImproperlyConfigured(f"{env_key}_FILE: This file cannot be read ({kind}).") from None
        return default if value == "" else value

    def read_oauth(self, development: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the setting OAUTH: the trusted issuer, the audience and the rules for tokens.

        If the variables name no issuer, the members of `development` apply. Without it, one is required.
        """
        domain, issuer = self.str("AUTH0_DOMAIN", ""), self.str("OAUTH_ISSUER", "")
        # Auth0 documents this address. Other issuers publish theirs in their metadata.
        jwks_url = f"https://{domain}/.well-known/jwks.json" if domain else ""
        oauth = {
            "AUTH0_DOMAIN": domain,
            "ISSUER": issuer or f"https://{domain}/",
            "ALSO_ISSUERS": self.list("OAUTH_ALSO_ISSUERS", []),
            "FORMER_ISSUERS": self.list("OAUTH_FORMER_ISSUERS", []),
            "JWKS_URL": self.str("OAUTH_JWKS_URL", jwks_url),
            "ALGORITHMS": self.list("OAUTH_ALGORITHMS", ["RS256"]),
            "TOKEN_PROFILE": self.str("OAUTH_TOKEN_PROFILE", "auth0"),
            "SCOPE_CLAIMS": self.list("OAUTH_SCOPE_CLAIMS", ["scope", "scp"]),
            "LEEWAY_SECONDS": self.float("OAUTH_LEEWAY_SECONDS", 30.0),
            "CA_FILE": self.str("OAUTH_CA_FILE", ""),
            "WEB_CLIENT_ID": self.str("OAUTH_WEB_CLIENT_ID", ""),
            "WEB_CLIENT_SECRET": self.str("OAUTH_WEB_CLIENT_SECRET", ""),
            "WEB_SCOPES": self.str("OAUTH_WEB_SCOPES", "").replace(",", " ").split(),
            "AUDIENCE_PARAMETER": self.str("OAUTH_AUDIENCE_PARAMETER", "audience" if domain else "resource"),
            "CLIENT_AUTH": self.str("OAUTH_CLIENT_AUTH", ""),
        }
        if not domain and not issuer:
            if development:
                return {**oauth, **development}
            self._errors["AUTH0_DOMAIN or OAUTH_ISSUER"].append("Set one of them.")
        audience = self.str("AUTH0_AUDIENCE", "") if development else self.str("AUTH0_AUDIENCE")
        return {**oauth, "AUDIENCE": audience}

    def seal(self) -> None:
        """Raise ImproperlyConfigured with a line for each missing or invalid variable."""
        try:
            super().seal()
        except EnvValidationError as error:
            problems = cast("dict[str, list[str]]", error.error_messages)
            lines = [f"  {name}: {' '.join(messages)}" for name, messages in problems.items()]
            raise ImproperlyConfigured("\n".join(["The environment is not complete:", *lines])) from None
