"""What signing people in is about: the web client, an attempt, the person, and why it failed."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

# How a client may send its secret (RFC 6749 section 2.3.1).
BASIC, POST = AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class Outcome(enum.Enum):
    """Why nobody is signed in, with the status of the page that says so."""

    EXPIRED = HTTPStatus.BAD_REQUEST
    REFUSED = HTTPStatus.FORBIDDEN
    MISCONFIGURED = HTTPStatus.INTERNAL_SERVER_ERROR
    UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


class SignInFailed(Exception):
    """Nobody is signed in. The message is for logs, without secrets. `error` is a code of the issuer."""

    def __init__(self, outcome: Outcome, reason: str, error: str = "") -> None:
        super().__init__(reason)
        self.outcome, self.error = outcome, error


@dataclass(frozen=True, kw_only=True)
class WebClient:
    """The client through which people sign in. `audience` is the parameter that names the API, if any.

    Without `scopes`, it requests all that the API has. Without `auth`, the issuer's metadata decide.
    """

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    audience: Mapping[str, str]
    scopes: tuple[str, ...] = ()
    auth: str = ""


@dataclass(frozen=True)
class Attempt:
    """What the browser keeps until the issuer sends it back, and where the person wanted to go."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    destination: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """The name to show, and the id of the session at the issuer, which may be empty."""

    name: str
    session_id: str
