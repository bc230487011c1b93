"""An issuer of one test's own, and a clock and a gate for its keys."""

import threading
from collections.abc import Iterator

import pytest

from tests.kit.issuer import Issuer
from tests.unit.key_fetches import Clock, finish_fetches


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer(audience="https://timesheets.example.com")
    yield issuer
    issuer.stop()
    finish_fetches()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event that a response or fetch waits for. It is set at the end, so that nothing keeps waiting."""
    gate = threading.Event()
    yield gate
    gate.set()
    finish_fetches()
