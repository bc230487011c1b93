"""Limit how many requests a client may send in a period."""

from typing import cast

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from timesheets import conf
from timesheets.exceptions import Throttled
from timesheets.storage.rate_limits import use
from timesheets.trust.principals import MachineClient


class ClientThrottle(BaseThrottle):
    """Counts the requests of the client that the token or the session names. Raises Throttled (429).

    DRF's own throttles read a list of times from a cache and write it back, so requests at the same time are
    not all counted.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        client = cast("MachineClient", request.user)
        rate = conf.client_rate()
        if seconds := use(("client", *client.caller), rate):
            raise Throttled(
                f"This client may send {rate.count} requests in {rate.seconds} seconds. "
                f"Send this one again in {seconds} seconds.",
                wait=seconds,
            )
        return True
