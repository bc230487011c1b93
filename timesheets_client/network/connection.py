"""Send the requests of a run, within its timeouts and before its deadline."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace

import requests

from timesheets_client.network.exchange import Timeouts, exchange
from timesheets_client.network.messages import Answer, Message
from timesheets_client.network.retries import RETRIED_STATUSES, Clock, send_with_retries

DEFAULT_RETRIES = 5


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What all requests of a run share. Raises TemporaryFailure or ConfigurationError without an answer."""

    session: requests.Session
    clock: Clock = field(default_factory=Clock)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: int = DEFAULT_RETRIES

    def send(self, message: Message) -> Answer:
        """The answer to one attempt."""
        total_seconds = self.clock.limit(self.timeouts.total_seconds)
        return exchange(self.session, message, replace(self.timeouts, total_seconds=total_seconds))

    def repeat(
        self,
        send: Callable[[], Answer],
        statuses: Container[int] = RETRIED_STATUSES,
        server: str = "the API",
    ) -> Answer:
        """The answer of `send` after all retries, as `send_with_retries` returns it."""
        return send_with_retries(send, self.retries, self.clock, statuses, server)
