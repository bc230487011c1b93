"""Decide to which addresses a secret may be sent. Knows no HTTP."""

import ipaddress

# The parser that sends, so both see the same host.
from urllib3.util import Url, parse_url


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
