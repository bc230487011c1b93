"""The caller that a request is authorized for, and what its token says. Knows no web framework."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class ClientKey(NamedTuple):
    """The identity of a client. A client without an organization has an empty one."""

    issuer: str
    client_id: str
    organization: str


@dataclass(frozen=True, kw_only=True)
class MachineClient:
    """A client of the issuer, and of one organization if its token names one.

    Two issuers may use the same `client_id` for different clients. An application that acts for two
    organizations is two clients. `issuer` is the configured one, whichever of its names the token has.

    `subject` is the token's `sub`: the client itself, or the user that it acts for. People sign in
    through one client, the web client.
    """

    issuer: str
    client_id: str
    subject: str | None
    organization: str = ""
    is_web_client: bool = False

    # Django and DRF read this attribute of a request's user.
    is_authenticated = True

    @cached_property
    def key(self) -> ClientKey:
        return ClientKey(self.issuer, self.client_id, self.organization)

    @property
    def caller(self) -> tuple[str, ...]:
        """The identity for limits: the client, or the person who acts through the web client."""
        return (*self.key, self.subject) if self.is_web_client and self.subject else self.key

    def __str__(self) -> str:
        return self.client_id


@dataclass(frozen=True, kw_only=True)
class VerifiedToken:
    """The content of a token whose signature and claims are verified."""

    client: MachineClient
    token_id: str | None
    scopes: frozenset[str]
    expires_at: float
