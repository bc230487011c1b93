"""What is sent to which server and what comes back, as values. Knows neither the issuer nor the API."""

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from requests import PreparedRequest

# The parser that sends, so both see the same host.
from urllib3.util import Url, parse_url

from timesheets_files.printable import put_on_one_line

MAX_QUOTED_CHARACTERS = 200


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
    # Without one, requests would read .netrc.
    auth: Callable[[PreparedRequest], PreparedRequest] = field(default=lambda request: request, repr=False)
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


def is_loopback(url: str) -> bool:
    """Whether requests to the address stay on this machine."""
    host = (parse_url(url).host or "").strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_fault(url: str) -> str | None:
    """Return why no secret may be sent to `url`, as a text that follows its name, or None."""
    try:
        parts = parse_url(url)
    except ValueError:
        parts = Url()
    is_clean = url.isprintable() and not set(" \\#") & set(url)
    if parts.scheme not in ("http", "https") or not parts.host or not is_clean:
        return "is not an address such as https://example.com"
    if parts.auth is not None:
        return "must not contain a user name or a password"
    if parts.scheme == "http" and not is_loopback(url):
        return "must begin with https://; plain http is only for addresses of this machine"
    return None


def parse_object(content: bytes | bytearray) -> Mapping[str, object] | None:
    """The JSON object; None if the content is something else."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
