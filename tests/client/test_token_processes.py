"""Runs that cron starts at the same time, as real processes with one issuer."""

import hashlib
import subprocess
import sys
import time

from tests.client.conftest import Site
from tests.kit.processes import REPOSITORY, make_environment

TOKEN_PATH = "/oauth/token"
# A run that gets its token when a line arrives, and prints only a hash of it.
RUN = """
import hashlib, os, sys
from timesheets_client.environment.config import load_config
from timesheets_client.network.exchange import Connection
from timesheets_client.network.exchange import open_session
from timesheets_client.network.retries import Clock
from timesheets_client.access.token_cache import TokenCache
from timesheets_client.access.tokens import TokenSource

config = load_config(os.environ, {})
cache = TokenCache(config.state_dir, lambda warning: print(warning, file=sys.stderr), Clock())
source = TokenSource(config, Connection(session=open_session()), cache)
print("ready", flush=True)
sys.stdin.readline()
print(hashlib.sha256(source.obtain().value.encode()).hexdigest(), flush=True)
"""


class Run:
    def __init__(self, site: Site) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN],
            cwd=REPOSITORY,
            env=make_environment(**site.variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def get_token(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self) -> tuple[str, str]:
        """Standard output and standard error."""
        out, err = self.process.communicate(timeout=20)
        return out.strip(), err


def start_together(site: Site, count: int) -> list[Run]:
    runs = [Run(site) for _ in range(count)]
    for run in runs:
        run.wait_until_ready()
    for run in runs:
        run.get_token()
    return runs


def test_runs_that_start_at_once_request_one_token(site: Site) -> None:
    site.hangs_at = TOKEN_PATH
    runs = start_together(site, 5)
    assert site.arrived.wait(10)
    # Long enough for all other runs to reach the lock.
    time.sleep(0.5)

    site.release.set()

    expected = hashlib.sha256(site.token.encode()).hexdigest()
    assert [run.finish() for run in runs] == [(expected, "")] * 5
    assert site.count(TOKEN_PATH) == 1


def test_a_killed_run_does_not_block_others(site: Site) -> None:
    site.hangs_at = TOKEN_PATH
    [killed] = start_together(site, 1)
    assert site.arrived.wait(10)
    [waiting] = start_together(site, 1)
    site.hangs_at = ""

    killed.process.kill()

    out, err = waiting.finish()
    assert (out, err) == (hashlib.sha256(site.token.encode()).hexdigest(), "")
    assert site.count(TOKEN_PATH) == 2
    killed.finish()
