"""Get an access token from the development issuer, for a developer who signs in with one button."""

import requests

from timesheets import conf

TIMEOUT_SECONDS = 5


class NoDevelopmentToken(Exception):
    """The development issuer gave none. The message says what to do."""


def obtain_development_token(client_id: str) -> str:
    """A new token for one of the development issuer's clients, by the client credentials grant.

    Raises NoDevelopmentToken.
    """
    sign_in = conf.development_sign_in()
    if client_id not in sign_in.client_secrets:
        raise NoDevelopmentToken("The development issuer knows no such client.")
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": sign_in.client_secrets[client_id],
        "audience": conf.token_policy().audience,
    }
    try:
        with requests.Session() as session:
            # No proxy stands between this machine and itself.
            session.trust_env = False
            answer = session.post(sign_in.token_url, data=form, timeout=TIMEOUT_SECONDS)
            token = answer.json().get("access_token")
    except (OSError, ValueError) as error:
        raise NoDevelopmentToken(
            f"The development issuer at {sign_in.token_url} does not answer ({type(error).__name__}). "
            "Does TIMESHEETS_DEV_PORT name the port of this server?"
        ) from None
    if not isinstance(token, str):
        raise NoDevelopmentToken(f"The development issuer gives {client_id} no token: see the server's log.")
    return token
