"""The memory of what operators decided: never older than two seconds, and read by one thread at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError

from timesheets.storage.client_policies import MAX_REMEMBERED_CLIENTS, ClientPolicy, PolicyMemory
from timesheets.trust.principals import ClientKey

PAYROLL = ClientKey("https://example.eu.auth0.com/", "payroll", "")


class Decisions:
    """What is stored about every client, and how often it was read. The clock moves only when told to."""

    def __init__(self, wait_seconds: float = 10) -> None:
        self.is_stopped, self.reads, self.now = False, 0, 100.0
        self.memory = PolicyMemory(self.read, lambda: self.now, wait_seconds)
        self.is_reading, self.may_read = threading.Event(), threading.Event()
        self.may_read.set()

    def read(self, client: ClientKey, before: ClientPolicy | None) -> ClientPolicy:
        self.reads += 1
        is_stopped = self.is_stopped
        self.is_reading.set()
        self.may_read.wait(10)
        return ClientPolicy(is_stopped=is_stopped, is_undecided=False)


def test_a_decision_counts_within_two_seconds() -> None:
    decisions = Decisions()
    assert not decisions.memory.find(PAYROLL).is_stopped
    decisions.is_stopped = True

    decisions.now += 2
    assert not decisions.memory.find(PAYROLL).is_stopped
    assert decisions.reads == 1
    decisions.now += 0.01
    assert decisions.memory.find(PAYROLL).is_stopped


def test_the_two_seconds_begin_before_the_decisions_are_read() -> None:
    decisions = Decisions()
    decisions.may_read.clear()
    with ThreadPoolExecutor() as executor:
        found = executor.submit(decisions.memory.find, PAYROLL)
        assert decisions.is_reading.wait(10)
        decisions.now += 2.01
        decisions.is_stopped = True
        decisions.may_read.set()

    assert not found.result().is_stopped
    assert decisions.memory.find(PAYROLL).is_stopped


def test_threads_that_ask_at_the_same_time_share_one_reading() -> None:
    decisions = Decisions()
    decisions.may_read.clear()
    with ThreadPoolExecutor(16) as executor:
        found = [executor.submit(decisions.memory.find, PAYROLL) for _ in range(16)]
        decisions.may_read.set()

    assert {each.result() for each in found} == {ClientPolicy(is_stopped=False, is_undecided=False)}
    assert decisions.reads == 1


def test_a_request_waits_for_another_only_for_some_time() -> None:
    decisions = Decisions(wait_seconds=0.01)
    decisions.may_read.clear()
    with ThreadPoolExecutor() as executor:
        first = executor.submit(decisions.memory.find, PAYROLL)
        assert decisions.is_reading.wait(10)
        with pytest.raises(OperationalError, match="waits for a policy"):
            decisions.memory.find(PAYROLL)
        decisions.may_read.set()

    assert not first.result().is_stopped


def test_a_failure_is_not_remembered() -> None:
    def fail(client: ClientKey, before: ClientPolicy | None) -> ClientPolicy:
        failures.append(client)
        raise OSError("no database")

    failures: list[ClientKey] = []
    memory = PolicyMemory(fail)

    for _ in range(2):
        with pytest.raises(OSError, match="no database"):
            memory.find(PAYROLL)

    assert failures == [PAYROLL, PAYROLL]


def test_the_client_whose_decisions_were_read_first_is_forgotten() -> None:
    decisions = Decisions()
    clients = [PAYROLL._replace(client_id=f"client-{number}") for number in range(MAX_REMEMBERED_CLIENTS)]
    for client in clients:
        decisions.memory.find(client)

    decisions.memory.find(PAYROLL)
    decisions.memory.find(clients[1])
    assert decisions.reads == len(clients) + 1
    decisions.memory.find(clients[0])
    assert decisions.reads == len(clients) + 2
