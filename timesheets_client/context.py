"""The objects that one run works with."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.tokens import TokenSource
from timesheets_client.arguments import Options
from timesheets_client.environment.config import UploaderConfig
from timesheets_client.network.exchange import Connection, open_session
from timesheets_client.network.retries import Clock
from timesheets_client.output.report import Report
from timesheets_client.sending.client import ApiClient
from timesheets_client.signals import Signals


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The process: its variables, input, signals and clock.

    `development` applies as a whole while `variables` has no setting of ours.

    `make_key` returns a random idempotency key.
    """

    variables: Mapping[str, str]
    development: Mapping[str, str]
    stdin: BinaryIO
    signals: Signals
    clock: Clock
    make_key: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class RunContext:
    options: Options
    environment: Environment
    report: Report
    config: UploaderConfig
    connection: Connection
    tokens: TokenSource
    client: ApiClient


@contextmanager
def open_context(
    options: Options, environment: Environment, report: Report, config: UploaderConfig
) -> Iterator[RunContext]:
    """The context of a run. Sends nothing by itself."""
    clock = replace(
        environment.clock,
        announce=partial(report.show_problem, min_verbosity=1),
        deadline=environment.clock.monotonic() + options.deadline_seconds,
    )
    cache = TokenCache(config.state_dir, report.show_problem, clock, is_usable=options.caches_token)
    with open_session() as session:
        connection = Connection(
            session=session, clock=clock, timeouts=options.timeouts, retries=options.retries
        )
        show_detail = partial(report.show_problem, min_verbosity=2)
        tokens = TokenSource(config, connection, cache, options.required_scopes, show_detail)
        yield RunContext(
            options=options,
            environment=environment,
            report=report,
            config=config,
            connection=connection,
            tokens=tokens,
            client=ApiClient(config.upload_url, connection, tokens),
        )
