"""Read the uploader's configuration from variables, and name all that is missing or wrong at once."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from timesheets.uploader.addresses import find_fault, is_domain
from timesheets.uploader.errors import ConfigurationError

VARIABLES: Mapping[str, str] = {
    "AUTH0_DOMAIN": "the Auth0 tenant that issues the tokens, such as example.eu.auth0.com",
    "OAUTH_TOKEN_URL": "the token endpoint of another issuer, in place of AUTH0_DOMAIN",
    "AUTH0_AUDIENCE": "the API's identifier at the issuer",
    "AUTH0_CLIENT_ID": "this client's id at the issuer",
    "AUTH0_CLIENT_SECRET": "this client's secret",
    "AUTH0_CLIENT_SECRET_FILE": "a file with the secret that only you can read, in place of the secret",
    "TIMESHEETS_API_URL": "the API's address, such as https://timesheets.example.com",
}
OWN_PREFIXES = ("AUTH0_", "OAUTH_", "TIMESHEETS_API_URL")
SECRET_BYTES_AT_MOST = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class UploaderConfig:
    token_url: str
    audience: str
    client_id: str
    client_secret: str = field(repr=False)
    upload_url: str


def load_config(environment: Mapping[str, str], development: Mapping[str, str]) -> UploaderConfig:
    """The configuration in `environment`; in `development` while the environment has nothing of it.

    Raises ConfigurationError with a line for each variable that is missing or wrong.
    """
    variables = choose_variables(environment, development)
    problems: list[str] = []

    def collect(read: Callable[[Mapping[str, str]], str]) -> str:
        try:
            return read(variables)
        except ConfigurationError as error:
            problems.append(str(error))
            return ""

    config = UploaderConfig(
        token_url=collect(read_token_url),
        audience=collect(lambda variables: read_text(variables, "AUTH0_AUDIENCE")),
        client_id=collect(lambda variables: read_text(variables, "AUTH0_CLIENT_ID")),
        client_secret=collect(read_client_secret),
        upload_url=collect(read_upload_url),
    )
    if problems:
        raise ConfigurationError("\n  ".join(["The configuration is not complete or not right:", *problems]))
    return config


def choose_variables(environment: Mapping[str, str], development: Mapping[str, str]) -> Mapping[str, str]:
    # The development issuer's values are a whole: mixed with others, one that was forgotten
    # would turn into the development one.
    configured = any(value and name.startswith(OWN_PREFIXES) for name, value in environment.items())
    return environment if configured else development


def read_token_url(variables: Mapping[str, str]) -> str:
    domain, url = variables.get("AUTH0_DOMAIN"), variables.get("OAUTH_TOKEN_URL")
    if domain and url:
        raise ConfigurationError("AUTH0_DOMAIN, OAUTH_TOKEN_URL: both name an issuer; unset one of them")
    if url:
        return read_url(variables, "OAUTH_TOKEN_URL")
    if domain and not is_domain(domain):
        raise ConfigurationError(
            "AUTH0_DOMAIN: must be a bare domain such as example.eu.auth0.com, "
            "without https://, slash, port or white space"
        )
    return f"https://{read_text(variables, 'AUTH0_DOMAIN')}/oauth/token"


def read_client_secret(variables: Mapping[str, str]) -> str:
    secret, file = variables.get("AUTH0_CLIENT_SECRET"), variables.get("AUTH0_CLIENT_SECRET_FILE")
    if secret and file:
        raise ConfigurationError(
            "AUTH0_CLIENT_SECRET, AUTH0_CLIENT_SECRET_FILE: both are set; unset one of them"
        )
    if file:
        return read_text({"AUTH0_CLIENT_SECRET_FILE": read_secret_file(file)}, "AUTH0_CLIENT_SECRET_FILE")
    if not secret:
        raise ConfigurationError(
            "AUTH0_CLIENT_SECRET: not set; set it, or AUTH0_CLIENT_SECRET_FILE to its file"
        )
    return read_text(variables, "AUTH0_CLIENT_SECRET")


def read_secret_file(path: str) -> str:
    # Without a slash it may be the secret itself, set under the wrong name.
    shown = path if "/" in path else "its file"
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(SECRET_BYTES_AT_MOST)
    except OSError as error:
        raise ConfigurationError(
            f"AUTH0_CLIENT_SECRET_FILE: {shown} cannot be read: {error.strerror}"
        ) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"AUTH0_CLIENT_SECRET_FILE: other users can read {shown}: chmod 600 {shown}")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"AUTH0_CLIENT_SECRET_FILE: {shown} is not text in UTF-8") from None
    if not secret:
        raise ConfigurationError(f"AUTH0_CLIENT_SECRET_FILE: {shown} is empty")
    return secret


def read_upload_url(variables: Mapping[str, str]) -> str:
    url = read_url(variables, "TIMESHEETS_API_URL")
    if "?" in url:
        raise ConfigurationError("TIMESHEETS_API_URL: must not hold a ?; give the API's base address")
    return f"{url.rstrip('/')}/timesheets/upload"


def read_url(variables: Mapping[str, str], name: str) -> str:
    url = read_text(variables, name)
    fault = "must not hold white space" if " " in url else find_fault(url)
    if fault:
        raise ConfigurationError(f"{name}: {fault}")
    return url


def read_text(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name)
    if not value:
        raise ConfigurationError(f"{name}: not set; it is {VARIABLES[name]}")
    if value != value.strip() or not value.isprintable():
        raise ConfigurationError(
            f"{name}: has white space around it or a control character in it; take that out"
        )
    return value
