"""Read settings from environment variables, and name all that is wrong with them at once."""

from collections.abc import Mapping
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from environs import EnvValidationError, FileAwareEnv


class Environment(FileAwareEnv):
    """Variables by name, or from the file that `NAME_FILE` names; an empty one counts as not set.

    Nothing is raised before `seal()`: until then a variable that is missing or wrong reads as None.
    """

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            value = super()._get_value(env_key, default)
        except (ValueError, OSError) as error:
            # environs raises this at once, even when it shall collect errors. What the file
            # holds may be a secret, so only the name of the variable and the kind of error are told.
            kind = type(error.__cause__ or error).__name__
            self._errors[f"{env_key}{self.file_suffix}"].append(f"This file cannot be read ({kind}).")
            # Any value keeps the variable itself off the list; nothing uses it, since seal() raises.
            return default if default is not ... else ""
        return default if value == "" else value

    def read_oauth(self, development: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The setting OAUTH: whose access tokens are good, for what, and by which rules.

        While the variables name no issuer, `development`'s members serve; without it one is required.
        """
        domain, issuer = self.str("AUTH0_DOMAIN", ""), self.str("OAUTH_ISSUER", "")
        # Auth0 documents this address; other issuers' metadata tell theirs.
        jwks_url = f"https://{domain}/.well-known/jwks.json" if domain else ""
        oauth = {
            "AUTH0_DOMAIN": domain,
            "ISSUER": issuer or f"https://{domain}/",
            "JWKS_URL": self.str("OAUTH_JWKS_URL", jwks_url),
            "ALGORITHMS": self.list("OAUTH_ALGORITHMS", ["RS256"]),
            "TOKEN_PROFILE": self.str("OAUTH_TOKEN_PROFILE", "auth0"),
            "SCOPE_CLAIMS": self.list("OAUTH_SCOPE_CLAIMS", ["scope", "scp"]),
            "LEEWAY_SECONDS": self.float("OAUTH_LEEWAY_SECONDS", 30.0),
            "CA_FILE": self.str("OAUTH_CA_FILE", ""),
        }
        if development is None:
            if not domain and not issuer:
                self._errors["AUTH0_DOMAIN or OAUTH_ISSUER"].append("Set one of them.")
            return {**oauth, "AUDIENCE": self.str("AUTH0_AUDIENCE")}
        if not domain and not issuer:
            return {**oauth, **development}
        return {**oauth, "AUDIENCE": self.str("AUTH0_AUDIENCE", "")}

    def seal(self) -> None:
        """Raise ImproperlyConfigured with a line for each variable that is missing or wrong."""
        try:
            super().seal()
        except EnvValidationError as error:
            problems = cast("dict[str, list[str]]", error.error_messages)
            lines = [f"  {name}: {' '.join(messages)}" for name, messages in problems.items()]
            raise ImproperlyConfigured("\n".join(["The environment is not complete:", *lines])) from None
