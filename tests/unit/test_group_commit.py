"""Callers share a commit, and each gets its own result."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn

import pytest

from tests.kit.waiting import wait_until
from timesheets.storage.group_commit import FairLock, GroupCommit, Interrupted, WaitedTooLong

THREADS = 8


class Store:
    """Stores numbers and returns their squares. The first group waits until `let_go` is set."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.is_storing, self.let_go = threading.Event(), threading.Event()
        self._lock = FairLock()
        self.commit = GroupCommit(self._take_turn, self._store)

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        self._lock.acquire(10)
        try:
            yield
        finally:
            self._lock.release()

    def _store(self, numbers: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(numbers))
        self.is_storing.set()
        assert self.let_go.wait(10)
        if -1 in numbers:
            raise ValueError("-1 is not a number of this store") from KeyError(-1)
        return [number**2 for number in numbers]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as executor:
        yield executor


def submit_during_a_commit(
    store: Store, executor: ThreadPoolExecutor, numbers: list[int]
) -> list[Future[int]]:
    """Submit numbers while the store is busy with 0, and let it go on when all of them wait."""
    first = executor.submit(store.commit.submit, 0)
    assert store.is_storing.wait(10)
    others = [executor.submit(store.commit.submit, number) for number in numbers]
    wait_until(lambda: store.commit.count_waiting() == len(numbers))
    store.let_go.set()
    return [first, *others]


def test_a_lone_caller_waits_for_nobody(store: Store) -> None:
    store.let_go.set()

    assert store.commit.submit(3) == 9
    assert store.groups == [[3]]


def test_callers_during_a_commit_share_the_next_one(store: Store, executor: ThreadPoolExecutor) -> None:
    results = submit_during_a_commit(store, executor, [1, 2, 3, 4, 5])

    assert [result.result(10) for result in results] == [0, 1, 4, 9, 16, 25]
    assert [sorted(group) for group in store.groups] == [[0], [1, 2, 3, 4, 5]]


def test_a_failure_reaches_the_callers_of_its_group_only(store: Store, executor: ThreadPoolExecutor) -> None:
    first, *others = submit_during_a_commit(store, executor, [-1, 2, 3])

    assert first.result(10) == 0
    failures = [other.exception(10) for other in others]
    assert {(type(failure), str(failure)) for failure in failures} == {
        (ValueError, "-1 is not a number of this store")
    }
    assert len(set(map(id, failures))) == 3
    assert all(isinstance(failure and failure.__cause__, KeyError) for failure in failures)
    assert store.commit.submit(4) == 16


def test_nobody_waits_for_a_thread_that_was_interrupted(executor: ThreadPoolExecutor) -> None:
    turn = threading.Lock()

    def be_interrupted(_: Sequence[int]) -> Sequence[int]:
        raise SystemExit

    commit = GroupCommit(lambda: turn, be_interrupted)
    with turn:
        leader = executor.submit(commit.submit, 1)
        wait_until(lambda: commit.count_waiting() == 1)
        follower = executor.submit(commit.submit, 2)
        wait_until(lambda: commit.count_waiting() == 2)

    assert isinstance(leader.exception(10), SystemExit)
    assert isinstance(follower.exception(10), Interrupted)


def test_a_turn_that_does_not_come_fails_the_group() -> None:
    def refuse() -> NoReturn:
        raise WaitedTooLong

    commit: GroupCommit[int, int] = GroupCommit(refuse, lambda numbers: numbers)

    for _ in range(2):
        with pytest.raises(WaitedTooLong):
            commit.submit(1)


def start_in_line(thread: threading.Thread, lock: FairLock) -> None:
    before = lock.count_waiting()
    thread.start()
    wait_until(lambda: lock.count_waiting() > before)


def test_threads_get_the_lock_in_the_order_in_which_they_ask() -> None:
    lock = FairLock()
    order: list[int] = []
    lock.acquire(10)

    def ask(number: int) -> None:
        lock.acquire(10)
        order.append(number)
        lock.release()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(THREADS)]
    for thread in threads:
        start_in_line(thread, lock)
    lock.release()
    for thread in threads:
        thread.join(10)

    assert order == list(range(THREADS))


def test_a_thread_waits_for_the_lock_only_for_its_time() -> None:
    lock = FairLock()
    lock.acquire(10)

    with pytest.raises(WaitedTooLong):
        lock.acquire(0.01)

    # The thread that gave up has left the line.
    lock.release()
    lock.acquire(0)
    lock.release()


def test_concurrent_groups_lose_no_item(executor: ThreadPoolExecutor) -> None:
    stored: list[int] = []

    def store(numbers: Sequence[int]) -> Sequence[int]:
        stored.extend(numbers)
        return [-number for number in numbers]

    lock = threading.Lock()
    results = list(executor.map(GroupCommit(lambda: lock, store).submit, range(2000)))

    assert results == [-number for number in range(2000)]
    assert sorted(stored) == list(range(2000))
