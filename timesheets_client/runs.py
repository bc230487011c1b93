"""What a run has at hand: what it was asked, what it finds around it, whom it talks to."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.tokens import TokenSource
from timesheets_client.environment.config import UploaderConfig
from timesheets_client.network.exchange import open_session
from timesheets_client.network.retries import Pacing, RetryPolicy, seconds_left
from timesheets_client.options import Options
from timesheets_client.output.report import Report
from timesheets_client.sending.client import ApiClient
from timesheets_client.signals import Signals


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """`development` serves where `environment` says nothing; `make_key` makes a random key."""

    environment: Mapping[str, str]
    development: Mapping[str, str]
    stdin: BinaryIO
    signals: Signals
    pacing: Pacing
    make_key: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Run:
    options: Options
    surroundings: Surroundings
    report: Report
    config: UploaderConfig
    policy: RetryPolicy
    tokens: TokenSource
    client: ApiClient

    @property
    def lock_wait_seconds(self) -> float:
        left = seconds_left(self.policy, self.surroundings.pacing)
        return min(self.options.lock_wait_seconds, max(0.0, left))


@contextmanager
def open_run(
    options: Options, surroundings: Surroundings, report: Report, config: UploaderConfig
) -> Iterator[Run]:
    """A run that is ready; nothing is sent before something is uploaded."""
    pacing = replace(surroundings.pacing, announce=report.tell_wait)
    end = None if options.deadline_seconds is None else pacing.monotonic() + options.deadline_seconds
    policy = RetryPolicy(retries=options.retries, deadline=end)
    cache = TokenCache(config.state_dir, report.tell_problem, pacing) if options.caches_token else None
    with open_session() as session:
        tokens = TokenSource(config, session, options.timeouts, policy, pacing, cache)
        client = ApiClient(config.upload_url, session, tokens, options.timeouts, policy, pacing)
        try:
            yield Run(
                options=options,
                surroundings=replace(surroundings, pacing=pacing),
                report=report,
                config=config,
                policy=policy,
                tokens=tokens,
                client=client,
            )
        finally:
            if tokens.quota_limit:
                report.tell_detail(f"the issuer's quota for this client: {tokens.quota_limit}")
