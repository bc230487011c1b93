"""The caller that a request is authorized for. Knows no web framework."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MachineClient:
    """A client of the issuer. Two issuers may use the same `client_id` for different clients.

    `subject` is the token's `sub`: the client itself, or the user that it acts for.
    """

    issuer: str
    client_id: str
    subject: str | None

    # Django and DRF read this attribute of a request's user.
    is_authenticated = True

    def __str__(self) -> str:
        return self.client_id
