"""Read the client's configuration from environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from timesheets_client.environment.credentials import ClientAuth, read_client_secret, read_private_key
from timesheets_client.environment.variables import Variables
from timesheets_client.network.addresses import is_domain

VARIABLES: Mapping[str, str] = {
    "AUTH0_DOMAIN": "the Auth0 tenant, such as example.eu.auth0.com",
    "OAUTH_ISSUER": "another issuer; its metadata name the token endpoint",
    "OAUTH_TOKEN_URL": "the token endpoint of another issuer, if its metadata do not name it",
    "OAUTH_TOKEN_REQUEST": "the format of a token request: json (default with AUTH0_DOMAIN) or form",
    "OAUTH_AUDIENCE_PARAMETER": "the issuer's name for the audience: audience, resource or none",
    "OAUTH_SCOPE": "the scope to request, if the issuer requires that",
    "OAUTH_CLIENT_AUTH": "client_secret_post, client_secret_basic or private_key_jwt",
    "AUTH0_AUDIENCE": "the API's identifier at the issuer",
    "AUTH0_CLIENT_ID": "this client's id at the issuer",
    "AUTH0_CLIENT_SECRET": "this client's secret",
    "AUTH0_CLIENT_SECRET_FILE": "a file with the secret that only you can read, instead of the secret",
    "AUTH0_PRIVATE_KEY_FILE": "a PEM file with this client's key that only you can read, for private_key_jwt",
    "TIMESHEETS_API_URL": "the API's address, such as https://timesheets.example.com",
    "TIMESHEETS_STATE_DIR": "a folder for what is kept between runs; by default the user's state folder",
}
UPLOAD_PATH = "/timesheets/upload"
OWN_PREFIXES = ("AUTH0_", "OAUTH_", "TIMESHEETS_API_URL")


class TokenRequestFormat(StrEnum):
    """The body of a token request, as Auth0 documents it or as RFC 6749 defines it."""

    JSON = "json"
    FORM = "form"


class AudienceParameter(StrEnum):
    """The parameter that names the API in a token request: Auth0's, that of RFC 8707, or none."""

    AUDIENCE = "audience"
    RESOURCE = "resource"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class UploaderConfig:
    """The API, the issuer and the client. A text that is not configured is empty."""

    upload_url: str
    state_dir: Path
    is_auth0: bool = False
    # At least one is set. Without `token_url`, the issuer's metadata name it.
    issuer: str = ""
    token_url: str = ""
    token_request: TokenRequestFormat = TokenRequestFormat.FORM
    audience_parameter: AudienceParameter = AudienceParameter.AUDIENCE
    audience: str
    scope: str = ""
    client_id: str
    client_auth: ClientAuth = ClientAuth.CLIENT_SECRET_POST
    client_secret: str = field(default="", repr=False)
    # PEM.
    private_key: str = field(default="", repr=False)


def load_config(environment: Mapping[str, str], development: Mapping[str, str]) -> UploaderConfig:
    """The configuration from `environment`, or from `development` if none of its variables is set.

    Raises ConfigurationError with a line for each missing or wrong variable.
    """
    variables = Variables(choose_variables(environment, development), VARIABLES)
    is_auth0 = variables.is_set("AUTH0_DOMAIN")
    issuer, token_url = read_issuer(variables)
    client_auth = variables.read_choice("OAUTH_CLIENT_AUTH", ClientAuth.CLIENT_SECRET_POST)
    config = UploaderConfig(
        is_auth0=is_auth0,
        issuer=issuer,
        token_url=token_url,
        token_request=variables.read_choice(
            "OAUTH_TOKEN_REQUEST", TokenRequestFormat.JSON if is_auth0 else TokenRequestFormat.FORM
        ),
        audience_parameter=variables.read_choice("OAUTH_AUDIENCE_PARAMETER", AudienceParameter.AUDIENCE),
        audience=variables.read_text("AUTH0_AUDIENCE"),
        scope=variables.read_text("OAUTH_SCOPE", is_required=False),
        client_id=variables.read_text("AUTH0_CLIENT_ID"),
        client_auth=client_auth,
        client_secret=read_client_secret(variables, client_auth),
        private_key=read_private_key(variables, client_auth),
        upload_url=variables.read_address("TIMESHEETS_API_URL", with_query=False).rstrip("/") + UPLOAD_PATH,
        state_dir=read_state_dir(variables),
    )
    variables.seal()
    return config


def choose_variables(environment: Mapping[str, str], development: Mapping[str, str]) -> Mapping[str, str]:
    if has_settings(environment):
        return environment
    return {**development, "TIMESHEETS_STATE_DIR": environment.get("TIMESHEETS_STATE_DIR", "")}


def has_settings(environment: Mapping[str, str]) -> bool:
    """Whether any variable is set. If so, no development value applies, not even to a forgotten variable."""
    return any(value and name.startswith(OWN_PREFIXES) for name, value in environment.items())


def read_issuer(variables: Variables) -> tuple[str, str]:
    """The issuer and its token endpoint; one of the two may be empty."""
    others = [name for name in ("OAUTH_ISSUER", "OAUTH_TOKEN_URL") if variables.is_set(name)]
    if variables.is_set("AUTH0_DOMAIN"):
        if others:
            variables.refuse(f"AUTH0_DOMAIN, {', '.join(others)}", "they name two issuers; unset one of them")
        return read_auth0_domain(variables)
    if not others:
        variables.refuse("AUTH0_DOMAIN", "not set; set it, or OAUTH_ISSUER for an issuer that is not Auth0")
    return (
        variables.read_address("OAUTH_ISSUER", with_query=False, is_required=False),
        variables.read_address("OAUTH_TOKEN_URL", is_required=False),
    )


def read_auth0_domain(variables: Variables) -> tuple[str, str]:
    """The issuer and the token endpoint of an Auth0 tenant, as Auth0 documents them."""
    domain = variables.read_raw("AUTH0_DOMAIN")
    if not is_domain(domain):
        problem = "must be a bare domain such as example.eu.auth0.com, without https://, port or path"
        variables.refuse("AUTH0_DOMAIN", problem)
    return f"https://{domain}/", f"https://{domain}/oauth/token"


def read_state_dir(variables: Variables) -> Path:
    name = "TIMESHEETS_STATE_DIR"
    if variables.is_set(name):
        folder = Path(variables.read_text(name))
        if not folder.is_absolute():
            variables.refuse(name, "must be an absolute path, such as /var/lib/timesheets")
        return folder
    import platformdirs

    try:
        return platformdirs.user_state_path("timesheets", appauthor=False)
    except RuntimeError:
        variables.refuse(name, "not set, and this user has no home folder; set it to a folder of this user")
        return Path()
