"""Who a request acts for. Knows no web framework."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MachineClient:
    """A client of the issuer. Two issuers may use one `client_id` for two clients.

    `subject` is the token's `sub`: the client itself, or a user it acts for.
    """

    issuer: str
    client_id: str
    subject: str | None

    # What Django and DRF ask of a request's user.
    is_authenticated = True

    def __str__(self) -> str:
        return self.client_id
