"""Get an access token from the development issuer, for a developer who signs in with one click."""

import requests

from timesheets import conf

TIMEOUT_SECONDS = 5


class DevelopmentTokenUnavailable(Exception):
    """The development issuer returned no token. The message says what to do."""


def obtain_development_token(client_id: str) -> str:
    """Return a new token for one of the development issuer's clients, by the client credentials grant.

    Raises DevelopmentTokenUnavailable.
    """
    sign_in = conf.development_sign_in()
    if client_id not in sign_in.client_secrets:
        raise DevelopmentTokenUnavailable("The development issuer knows no such client.")
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": sign_in.client_secrets[client_id],
        "audience": conf.token_policy().audience,
    }
    try:
        with requests.Session() as session:
            # A request to this machine itself needs no proxy.
            session.trust_env = False
            response = session.post(sign_in.token_url, data=form, timeout=TIMEOUT_SECONDS)
            token = response.json().get("access_token")
    except (OSError, ValueError) as error:
        raise DevelopmentTokenUnavailable(
            f"The development issuer at {sign_in.token_url} does not respond ({type(error).__name__}). "
            "Is TIMESHEETS_DEV_PORT the port of this server?"
        ) from None
    if not isinstance(token, str):
        raise DevelopmentTokenUnavailable(
            f"The development issuer refused a token for {client_id}. The server's log has the reason."
        )
    return token
