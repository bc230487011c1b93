"""Provide an access token for each request: from memory, from the cache, or from the issuer."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial

from timesheets_client.access.issued_tokens import UPLOAD_SCOPE, AccessToken, accept_token
from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.token_endpoint import (
    discover_token_endpoint,
    make_token_request,
    read_issued_token,
)
from timesheets_client.environment.config import UploaderConfig
from timesheets_client.errors import TemporaryFailure, UploadError
from timesheets_client.network.exchange import Connection
from timesheets_client.network.messages import Answer, Message, make_printable
from timesheets_client.network.retries import send_with_retries

# A token request changes nothing, so it is repeated after every failure of the server.
RETRIED_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
# Longer than a healthy issuer needs. A run that hangs costs the others one token, not their day.
MAX_LOCK_SECONDS = 60
# A token that could not be renewed is used for this long before the next attempt.
RENEWAL_PAUSE_SECONDS = 60


class TokenSource:
    """The access token of one run, shared with other runs through `cache`.

    A cached token that lacks one of the `required` scopes is replaced: they may have been granted since.
    `show_detail` gets a line with the issuer's header Auth0-Client-Quota-Limit.
    """

    def __init__(
        self,
        config: UploaderConfig,
        connection: Connection,
        cache: TokenCache,
        required: Sequence[str] = (UPLOAD_SCOPE,),
        show_detail: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._config, self._connection, self._clock = config, connection, connection.clock
        self._cache, self._required, self._show_detail = cache, required, show_detail
        self._name = name_token(config)
        self._token_url = config.token_url
        self._current: AccessToken | None = None

    def obtain(self) -> AccessToken:
        """A token with enough lifetime for the next request; call it before each one.

        Raises AccessRefused, TemporaryFailure or ConfigurationError if there is none.
        """
        if self._current is None or self._clock.wall_clock() >= self._current.renew_at:
            with self._cache.lock(self._name, MAX_LOCK_SECONDS):
                self._current = self._renew(self._read_cached() or self._current)
        return self._current

    def replace(self, refused: AccessToken) -> AccessToken:
        """A token in place of one that the API refused. Raises like `obtain`."""
        with self._cache.lock(self._name, MAX_LOCK_SECONDS):
            cached = self._read_cached()
            # The API may have refused the same token to another run, which has replaced it.
            is_another = cached is not None and cached.value != refused.value
            self._current = self._renew(cached if is_another else None)
        return self._current

    def forget(self) -> None:
        """Remove the cached token. Raises ConfigurationError if that is not possible."""
        self._cache.forget(self._name)

    def _read_cached(self) -> AccessToken | None:
        issued = self._cache.read(self._name)
        # The age of a token from the future is unknown: the clock was wrong when it was issued.
        if issued is None or issued.issued_at > self._clock.wall_clock():
            return None
        try:
            return accept_token(issued, self._config, self._required, is_from_cache=True)
        except UploadError:
            return None

    def _renew(self, token: AccessToken | None) -> AccessToken:
        """`token` until it is due for renewal, then a new one. While the issuer is down, a valid `token`."""
        now = self._clock.wall_clock()
        if token is None or now >= token.expires_at:
            return self._fetch(self._connection)
        if now < token.renew_at:
            return token
        try:
            return self._fetch(dataclasses.replace(self._connection, retries=0))
        except TemporaryFailure:
            return dataclasses.replace(token, renew_at=min(now + RENEWAL_PAUSE_SECONDS, token.expires_at))

    def _fetch(self, connection: Connection) -> AccessToken:
        requested_at = 0.0

        def get(url: str) -> Answer:
            return connection.send(Message(method="GET", url=url, headers={"Accept": "application/json"}))

        def post() -> Answer:
            nonlocal requested_at
            requested_at = self._clock.wall_clock()
            answer = connection.send(make_token_request(self._config, self._token_url, requested_at))
            if quota := answer.headers.get("Auth0-Client-Quota-Limit"):
                shown = make_printable(quota, *answer.secrets)
                self._show_detail(f"the issuer's quota for this client: {shown}")
            return answer

        def repeat(send: Callable[[], Answer]) -> Answer:
            return send_with_retries(send, connection.retries, self._clock, RETRIED_STATUSES, "the issuer")

        if not self._token_url:
            self._token_url = discover_token_endpoint(
                self._config.issuer, lambda url: repeat(partial(get, url))
            )
        issued = read_issued_token(repeat(post), self._config, requested_at)
        token = accept_token(issued, self._config, self._required, is_from_cache=False)
        self._cache.write(self._name, issued)
        return token


def name_token(config: UploaderConfig) -> str:
    """A file name that differs for each issuer, audience, client and scope."""
    identity = [config.issuer or config.token_url, config.audience, config.client_id, config.scope]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
