"""A browser that signs in at an issuer on loopback, and what that issuer answers."""

import base64
import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.test import Client

from tests.kit.django_client import ClientResponse
from tests.kit.issuer import Issuer
from tests.kit.responders import document

CLIENT_ID = "the pages"
SECRET = "a+secret: 50%"
CODE = "a-code/of+the issuer=%é"
SUBJECT = "auth0|clara"
ENDPOINTS = {"authorization_endpoint": "authorize?tenant=1", "token_endpoint": "oauth/token"}


class Browser:
    """Starts sign-ins, and brings back what the issuer answers. `tokens` are in its token response."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        issuer.metadata |= {name: f"{issuer.url}{path}" for name, path in ENDPOINTS.items()}
        self.client = Client(enforce_csrf_checks=True)

    def start(self, destination: str = "/timesheets") -> dict[str, str]:
        """What the browser brings to the issuer."""
        response = self.press_sign_in(destination)
        assert response.status_code == 200, read(response)
        return dict(parse_qsl(urlsplit(find_refresh(response)).query))

    def press_sign_in(self, destination: str = "") -> ClientResponse:
        return self.post("/sign-in", next=destination)

    def post(self, path: str, **fields: str) -> ClientResponse:
        """Send a form of this site."""
        page = read(self.client.get("/sign-in"))
        token, *_ = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        return self.client.post(path, {"csrfmiddlewaretoken": token, **fields})

    def prepare(self, started: dict[str, str], **response: Any) -> dict[str, Any]:
        """Let the issuer answer with good tokens, or with what is given."""
        access_token = response.get("access_token") or self.mint_access_token()
        good = {"token_type": "Bearer", "id_token": self.mint_id_token(started, access_token)}
        members = {**good, "access_token": access_token, **response}
        self.issuer.answers["/oauth/token"] = document(members)
        return members

    def mint_access_token(self, **claims: Any) -> str:
        persons = {"sub": SUBJECT, "azp": CLIENT_ID, "gty": None, "scope": "read:timesheets"}
        return self.issuer.mint(**{**persons, **claims})

    def mint_id_token(self, started: dict[str, str], access_token: str = "", **changes: Any) -> str:
        header, key = changes.pop("header", None), changes.pop("key", None)
        claims = {"sub": SUBJECT, "aud": CLIENT_ID, "nonce": started["nonce"], "name": "Clara <b>Clerk</b>"}
        others: dict[str, Any] = {"azp": None, "gty": None, "scope": None, "sid": "the-session"}
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        others["at_hash"] = base64.urlsafe_b64encode(digest).decode().rstrip("=") if access_token else None
        return self.issuer.mint(header=header, key=key, **{**claims, **others, **changes})

    def return_to(self, started: dict[str, str], **parameters: str) -> ClientResponse:
        """Open the callback. Without other parameters, it has the code and the state."""
        return self.client.get("/sign-in/callback", parameters or {"code": CODE, "state": started["state"]})

    def finish(self, started: dict[str, str], **response: Any) -> ClientResponse:
        self.prepare(started, **response)
        return self.return_to(started)

    def is_signed_in(self) -> bool:
        return "Sign out" in read(self.client.get("/"))

    def read_token_request(self) -> tuple[str, dict[str, list[str]]]:
        """The head and the form of the newest one."""
        [*_, newest] = [each for each in self.issuer.received if each.startswith("POST /oauth/token ")]
        head, _, form = newest.partition("\r\n\r\n")
        return head, parse_qs(form)


def read(response: ClientResponse) -> str:
    return response.content.decode()


def find_refresh(response: ClientResponse) -> str:
    """Where a page continues at once."""
    [address] = re.findall(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', read(response))
    return html.unescape(address)
