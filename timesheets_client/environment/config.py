"""Read the client's configuration from environment variables."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from warnings import catch_warnings

from timesheets_client.environment.variables import Variables
from timesheets_client.errors import ConfigurationError

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
    "AUTH0_CLIENT_SECRET": "this client's secret, unless AUTH0_CLIENT_SECRET_FILE names a file with it",
    "AUTH0_CLIENT_SECRET_FILE": "a file with the secret that only you can read, instead of the secret",
    "AUTH0_PRIVATE_KEY_FILE": "a PEM file with this client's key that only you can read, for private_key_jwt",
    "TIMESHEETS_API_URL": "the API's address, such as https://timesheets.example.com",
    "TIMESHEETS_STATE_DIR": "a folder for what is kept between runs; by default the user's state folder",
}
UPLOAD_PATH = "/timesheets/upload"
OWN_PREFIXES = ("AUTH0_", "OAUTH_", "TIMESHEETS_API_URL")
DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+")
# The methods to authenticate, in the terms of OpenID Connect Core section 9.
CLIENT_AUTHS = ("client_secret_post", "client_secret_basic", PRIVATE_KEY_JWT := "private_key_jwt")
KEY_FILE = "AUTH0_PRIVATE_KEY_FILE"
ALGORITHMS = ("RS256", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, kw_only=True)
class UploaderConfig:
    """The API, the issuer and the client. A text that is not configured is empty."""

    upload_url: str
    state_dir: Path
    is_auth0: bool = False
    # At least one is set. Without `token_url`, the issuer's metadata name it.
    issuer: str = ""
    token_url: str = ""
    # The body of a token request: `json`, as Auth0 documents it, or `form`, as RFC 6749 defines it.
    token_request: str = "form"  # noqa: S105  A format.
    # The parameter that names the API: Auth0's `audience`, `resource` of RFC 8707, or `none`.
    audience_parameter: str = "audience"
    audience: str
    scope: str = ""
    client_id: str
    client_auth: str = CLIENT_AUTHS[0]
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
    client_auth = variables.read_choice("OAUTH_CLIENT_AUTH", *CLIENT_AUTHS)
    client_secret, private_key = read_credentials(variables, client_auth)
    formats = ("json", "form") if is_auth0 else ("form", "json")
    config = UploaderConfig(
        is_auth0=is_auth0,
        issuer=issuer,
        token_url=token_url,
        token_request=variables.read_choice("OAUTH_TOKEN_REQUEST", *formats),
        audience_parameter=variables.read_choice("OAUTH_AUDIENCE_PARAMETER", "audience", "resource", "none"),
        audience=variables.read_text("AUTH0_AUDIENCE"),
        scope=variables.read_text("OAUTH_SCOPE", is_required=False),
        client_id=variables.read_text("AUTH0_CLIENT_ID"),
        client_auth=client_auth,
        client_secret=client_secret,
        private_key=private_key,
        upload_url=variables.read_address("TIMESHEETS_API_URL").rstrip("/") + UPLOAD_PATH,
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
        domain = variables.read_text("AUTH0_DOMAIN")
        if domain and not DOMAIN.fullmatch(domain):
            problem = "must be a bare domain such as example.eu.auth0.com, without https://, port or path"
            variables.refuse("AUTH0_DOMAIN", problem)
        return f"https://{domain}/", f"https://{domain}/oauth/token"
    if not others:
        variables.refuse("AUTH0_DOMAIN", "not set; set it, or OAUTH_ISSUER for an issuer that is not Auth0")
    return (
        variables.read_address("OAUTH_ISSUER", is_required=False),
        variables.read_address("OAUTH_TOKEN_URL", is_required=False),
    )


def read_credentials(variables: Variables, client_auth: str) -> tuple[str, str]:
    """The secret and the private key; one of the two is empty."""
    signs = client_auth == PRIVATE_KEY_JWT
    for name in ("AUTH0_CLIENT_SECRET", "AUTH0_CLIENT_SECRET_FILE") if signs else (KEY_FILE,):
        if variables.is_set(name):
            variables.refuse(name, f"is not used with OAUTH_CLIENT_AUTH={client_auth}; unset it")
    if not signs:
        return variables.read_secret("AUTH0_CLIENT_SECRET"), ""
    if pem := variables.read_secret_file(KEY_FILE):
        try:
            choose_algorithm(pem)
        except ConfigurationError as error:
            variables.refuse(KEY_FILE, str(error))
    return "", pem


def choose_algorithm(pem: str) -> str:
    """The JWS algorithm that signs with the key (RFC 7518 section 3.1, RFC 8037).

    Raises ConfigurationError with a text that follows the variable's name.
    """
    # Importing it takes longer than importing all of the client, and few clients sign.
    try:
        import jwt
        from jwt.warnings import InsecureKeyLengthWarning
    except ImportError:
        raise ConfigurationError("signing needs the extra timesheets-client[private-key-jwt]") from None
    for algorithm in ALGORITHMS:
        # The errors may quote the file. RSA below 2048 bits causes only a warning.
        with suppress(Exception), catch_warnings(action="error", category=InsecureKeyLengthWarning):
            jwt.encode({}, pem, algorithm)
            return algorithm
    raise ConfigurationError(
        "its file contains no private key in PEM without passphrase for RSA, Ed25519, P-256, P-384 or P-521"
    )


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
