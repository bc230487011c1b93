"""Have an access token at hand: the one that is kept, or a new one. Knows neither HTTP nor files."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import requests

from timesheets_client.access.discovery import discover_token_endpoint
from timesheets_client.access.issued_tokens import AccessToken, IssuedToken, accept_token
from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.token_endpoint import RETRIED_STATUSES, read_issued_token, request_token
from timesheets_client.environment.config import UploaderConfig
from timesheets_client.errors import TemporaryFailure, UploadError
from timesheets_client.network.exchange import Timeouts, get
from timesheets_client.network.messages import Answer, make_printable
from timesheets_client.network.retries import (
    Clock,
    RetryPolicy,
    limit_timeouts,
    seconds_left,
    send_with_retries,
)

# Longer than an issuer takes that is well; a run that hangs costs the others a token, not their day.
LOCK_SECONDS_AT_MOST = 60
# How long a token that could not be renewed is used without another attempt.
RENEWAL_PAUSE_SECONDS = 60


class TokenSource:
    """The access token of one run, kept from run to run by `cache` unless that is None.

    `quota_limit` is what the issuer last said of the client's quota (Auth0-Client-Quota-Limit), safe to
    print; None if it said nothing.
    """

    def __init__(
        self,
        config: UploaderConfig,
        session: requests.Session,
        timeouts: Timeouts,
        policy: RetryPolicy,
        clock: Clock,
        cache: TokenCache | None,
    ) -> None:
        self.quota_limit: str | None = None
        self._config, self._session, self._timeouts = config, session, timeouts
        self._policy, self._clock, self._cache = policy, clock, cache
        self._name = name_token(config)
        self._token_url = config.token_url
        self._held: AccessToken | None = None

    def obtain(self) -> AccessToken:
        """A token that is good for a while, the same as long as it is: ask before each request.

        Raises AccessRefused, TemporaryFailure or ConfigurationError if there is none.
        """
        if self._held is None or self._clock.wall_clock() >= self._held.renew_at:
            with self._lock():
                self._held = self._renew(self._look() or self._held)
        return self._held

    def replace(self, refused: AccessToken) -> AccessToken:
        """Another token for one that the API refused. Raises like `obtain`."""
        with self._lock():
            kept = self._look()
            # Another run may have met the same refusal, and replaced it already.
            is_another = kept is not None and kept.value != refused.value
            self._held = self._renew(kept if is_another else None)
        return self._held

    def forget(self) -> None:
        """Remove the kept token. Raises ConfigurationError if that can't be."""
        self._held = None
        if self._cache:
            self._cache.forget(self._name)

    def _lock(self) -> AbstractContextManager[None]:
        seconds = min(LOCK_SECONDS_AT_MOST, max(0.0, seconds_left(self._policy, self._clock)))
        return self._cache.lock(self._name, seconds) if self._cache else nullcontext()

    def _look(self) -> AccessToken | None:
        """The token that is kept on disk, if it is one for us."""
        issued = self._cache.read(self._name) if self._cache else None
        # One from the future was bought by a clock that was wrong: nobody knows how old it is.
        if issued is None or issued.issued_at > self._clock.wall_clock():
            return None
        try:
            return accept_token(issued, self._config, is_from_cache=True)
        except UploadError:
            return None

    def _renew(self, kept: AccessToken | None) -> AccessToken:
        """`kept` while that is good, else a new token; `kept` too while it is valid and none can be had."""
        now = self._clock.wall_clock()
        if kept is None or now >= kept.expires_at:
            return self._buy(self._policy)
        if now < kept.renew_at:
            return kept
        try:
            return self._buy(dataclasses.replace(self._policy, retries=0))
        except TemporaryFailure:
            return dataclasses.replace(kept, renew_at=min(now + RENEWAL_PAUSE_SECONDS, kept.expires_at))

    def _buy(self, policy: RetryPolicy) -> AccessToken:
        issued = self._request(policy)
        token = accept_token(issued, self._config, is_from_cache=False)
        if self._cache:
            self._cache.write(self._name, issued)
        return token

    def _request(self, policy: RetryPolicy) -> IssuedToken:
        asked_at = 0.0
        token_url = self._find_token_url(policy)

        def ask() -> Answer:
            nonlocal asked_at
            asked_at = self._clock.wall_clock()
            answer = request_token(self._session, self._config, token_url, self._limit_timeouts(), asked_at)
            self._note_quota(answer)
            return answer

        return read_issued_token(self._ask(ask, policy), self._config, asked_at)

    def _ask(self, send: Callable[[], Answer], policy: RetryPolicy) -> Answer:
        try:
            return send_with_retries(send, policy, self._clock, RETRIED_STATUSES, server="the issuer")
        except TemporaryFailure as error:
            error.args = (f"no token from the issuer: {error}",)
            raise

    def _note_quota(self, answer: Answer) -> None:
        quota_limit = answer.headers.get("Auth0-Client-Quota-Limit")
        if quota_limit:
            self.quota_limit = make_printable(quota_limit, *answer.secrets)

    def _find_token_url(self, policy: RetryPolicy) -> str:
        def fetch(url: str) -> Answer:
            return self._ask(lambda: get(self._session, url, self._limit_timeouts()), policy)

        self._token_url = self._token_url or discover_token_endpoint(self._config.issuer, fetch)
        return self._token_url

    def _limit_timeouts(self) -> Timeouts:
        return limit_timeouts(self._timeouts, self._policy, self._clock)


def name_token(config: UploaderConfig) -> str:
    """What tells this token from all others, as a file name."""
    identity = [config.issuer or config.token_url, config.audience, config.client_id, config.scope]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
