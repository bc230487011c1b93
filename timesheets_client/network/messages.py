"""What is sent to a server and what comes back, as values. Knows neither the issuer nor the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
from requests.auth import AuthBase

from timesheets_files.printable import put_on_one_line

MAX_QUOTED_CHARACTERS = 200


class Unauthenticated(AuthBase):
    """Adds no Authorization header. With None in its place, requests would read .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request, in the terms of requests: a mapping as `data` is sent as a form.

    No text that is quoted from its answer contains one of its `secrets`.
    """

    method: str = "POST"
    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes | Mapping[str, str] = field(default=b"", repr=False)
    json: Mapping[str, object] | None = field(default=None, repr=False)
    auth: AuthBase = field(default_factory=Unauthenticated, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def address(self) -> str:
        """The URL that a person can check: parameters are the program's."""
        return self.url.partition("?")[0]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response: `document` is its JSON object, or None if the body is something else or too large.

    `url` is the request's, without parameters.
    """

    url: str
    status: int
    document: Mapping[str, object] | None = field(repr=False)
    # Names are case-insensitive.
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_temporary_failure(self) -> bool:
        return self.status in (408, 425, 429) or self.status >= 500

    def quote(self, name: str) -> str:
        """The member `name` of the object, safe to print; empty if it is not a string."""
        text = (self.document or {}).get(name)
        return make_printable(text, *self.secrets) if isinstance(text, str) else ""

    def summarize(self, code: str, explanation: str) -> str:
        """The status and two members of the object, as in `401 access_denied: Unauthorized`."""
        texts = [text for text in (self.quote(code), self.quote(explanation)) if text]
        return f"{self.status} {': '.join(texts)}".rstrip(" .")


def make_printable(text: str, *secrets: str) -> str:
    """`text` on one line, without control characters and `secrets`, and truncated if it is long."""
    line = put_on_one_line(text).strip()
    for secret in filter(None, secrets):
        line = line.replace(secret, "[hidden]")
    return line if len(line) <= MAX_QUOTED_CHARACTERS else f"{line[:MAX_QUOTED_CHARACTERS]} [...]"
