"""A caller cannot choose the address that its requests come from."""

from typing import Any

import pytest
from django.test import RequestFactory

from timesheets.admin import find_address, find_network


@pytest.mark.parametrize(
    ("is_behind_proxy", "forwarded", "address"),
    [
        (False, "203.0.113.9", "127.0.0.1"),
        *((True, forged + "203.0.113.9", "203.0.113.9") for forged in ("", "198.51.100.1, ")),
        (True, "198.51.100.1,2001:db8::9", "2001:db8::9"),
        (True, "", "127.0.0.1"),
    ],
)
def test_only_the_proxys_address_counts(
    settings: Any, is_behind_proxy: bool, forwarded: str, address: str
) -> None:
    settings.TIMESHEETS_BEHIND_PROXY = is_behind_proxy

    assert find_address(RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        *((address, "203.0.113.9") for address in ("203.0.113.9", "::ffff:203.0.113.9")),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        # Of a Unix socket, and of a proxy that hides it.
        *((no_address, no_address) for no_address in ("", "unknown")),
    ],
)
def test_a_person_with_an_ipv6_address_has_a_whole_network(address: str, network: str) -> None:
    assert find_network(address) == network
