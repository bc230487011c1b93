"""Decide to which addresses a secret may be sent. Knows no HTTP."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

LABEL = r"[A-Za-z0-9_-]{1,63}"
DOMAIN = re.compile(rf"{LABEL}(\.{LABEL})+")
HOST = re.compile(rf"{LABEL}(\.{LABEL})*|[0-9A-Fa-f:.]+")


def is_domain(text: str) -> bool:
    return bool(DOMAIN.fullmatch(text))


def is_loopback(host: str | None) -> bool:
    """Whether requests to the host stay on this machine."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def find_fault(url: str) -> str | None:
    """Return why no secret may be sent to `url`, as a text that follows its name, or None."""
    # urlsplit drops line breaks silently.
    if not url.isprintable() or " " in url:
        return "must not contain white space"
    parts = split_address(url)
    if parts is None:
        return "is not an address such as https://example.com"
    if "@" in parts.netloc:
        return "must not contain a user name or a password"
    if parts.scheme != "https" and not is_loopback(parts.hostname):
        return "must begin with https://; plain http is only for addresses of this machine"
    if "#" in url:
        return "must not contain a #"
    return None


def split_address(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        has_valid_port = parts.port != 0
    except ValueError:
        return None
    is_http = parts.scheme in ("http", "https")
    return parts if has_valid_port and is_http and HOST.fullmatch(parts.hostname or "") else None
