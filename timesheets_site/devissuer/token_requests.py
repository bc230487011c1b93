"""Read an access token request (RFC 6749 section 4.4.2). Knows bytes and headers; grants nothing."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

# RFC 6749 appendix A allows printable ASCII in every parameter that is read here.
PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]*")


class TokenRequestRefused(Exception):
    """The answer to a token request is an error of RFC 6749 section 5.2: a code and a sentence."""

    status = 400

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        # RFC 6749 section 5.2 keeps quotes, backslashes and all but printable ASCII out of it.
        self.description = re.sub(r'[^\x20-\x7e]|["\\]', "?", description)


class RequestMalformed(TokenRequestRefused):
    """`invalid_request`: what was sent can't be read as a token request."""

    def __init__(self, description: str) -> None:
        super().__init__("invalid_request", description)


class ClientUnknown(TokenRequestRefused):
    """`invalid_client`: the client did not prove who it is."""

    status = 401

    def __init__(self, description: str) -> None:
        super().__init__("invalid_client", description)


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """What a client asks for, and what it says who it is; none of it is checked yet."""

    client_id: str
    client_secret: str = field(repr=False)
    grant_type: str
    audience: str
    scope: str


def read_token_request(*, content_type: str, authorization: str, body: bytes) -> TokenRequest:
    """The token request, with "" for each parameter that was not sent.

    The body is JSON, Auth0's documented shape, or a form, RFC 6749's. Raises TokenRequestRefused.
    """
    parameters = _read_parameters(content_type, body)
    client_id, client_secret = _read_client_credentials(authorization, parameters)
    return TokenRequest(
        client_id=client_id,
        client_secret=client_secret,
        grant_type=parameters.get("grant_type", ""),
        audience=parameters.get("audience", ""),
        scope=parameters.get("scope", ""),
    )


def _read_parameters(content_type: str, body: bytes) -> dict[str, str]:
    if content_type == "application/json":
        pairs = _read_json_object(body)
    elif content_type == "application/x-www-form-urlencoded":
        pairs = _read_form(body)
    else:
        raise RequestMalformed("The body must be application/json or application/x-www-form-urlencoded.")
    return _require_single_strings(pairs)


def _read_json_object(body: bytes) -> Sequence[tuple[str, Any]]:
    try:
        # Objects become tuples of their pairs, so that repeated members are seen; arrays stay lists.
        members = json.loads(body.decode(), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        raise RequestMalformed("The body is not JSON.") from None
    if not isinstance(members, tuple):
        raise RequestMalformed("The body must be a JSON object.")
    return members


def _read_form(body: bytes) -> Sequence[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True)
    except ValueError:
        raise RequestMalformed("The body is not a form.") from None


def _require_single_strings(pairs: Sequence[tuple[str, Any]]) -> dict[str, str]:
    """The parameters by name; RFC 6749 section 3.2 forbids repeated ones and treats "" as not sent."""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise RequestMalformed(f"The parameter {name} is repeated.")
        if not isinstance(value, str) or not PRINTABLE_ASCII.fullmatch(value):
            raise RequestMalformed(f"The parameter {name} must be a string of printable ASCII.")
        parameters[name] = value
    return {name: value for name, value in parameters.items() if value}


def _read_client_credentials(authorization: str, parameters: dict[str, str]) -> tuple[str, str]:
    """Client id and secret, from the header or from the body, never from both (RFC 6749 section 2.3)."""
    if not authorization:
        return parameters.get("client_id", ""), parameters.get("client_secret", "")
    client_id, client_secret = _read_basic_credentials(authorization)
    if "client_secret" in parameters or parameters.get("client_id", client_id) != client_id:
        raise RequestMalformed("The client's credentials stand in the Authorization header and in the body.")
    return client_id, client_secret


def _read_basic_credentials(authorization: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded inside of the Basic value (RFC 6749 section 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ClientUnknown("A client proves who it is with Basic, or with client_id and client_secret.")
    try:
        client_id, separator, client_secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if not separator:
        raise ClientUnknown("The Basic credentials are malformed.")
    return unquote_plus(client_id), unquote_plus(client_secret)
