"""Find the address that a request comes from."""

import re
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

# What proxies add, such as X-Forwarded-For, CF-Connecting-IP and True-Client-IP.
_FORWARDED = re.compile(
    r"HTTP_(VIA|CDN_LOOP|.*FORWARDED.*"
    r"|.*(CLIENT|CONNECTING|EXTERNAL|REAL|REMOTE|SOURCE|USER|VIEWER)_?(IP|ADDR).*)"
)


def find_address(request: HttpRequest) -> str:
    """The address that connected to the proxy, or without a proxy, to the API.

    A proxy adds the address to the end of X-Forwarded-For. What is before it comes from the caller.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    is_usable = settings.TIMESHEETS_BEHIND_PROXY and forwarded
    return str(forwarded if is_usable else request.META.get("REMOTE_ADDR", ""))


def comes_from_this_machine(request: HttpRequest) -> bool:
    """False for a request that a proxy passed on, even if the proxy is on this machine."""
    address = request.META.get("REMOTE_ADDR", "").removeprefix("::ffff:")
    is_local = address == "::1" or address.startswith("127.")
    return is_local and not any(map(_FORWARDED.fullmatch, request.META))


def find_network(address: str) -> str:
    """The addresses that one person has: of IPv6, the first 64 bits."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or IPv6Network((int(ip), 64), strict=False))
