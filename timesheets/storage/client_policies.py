"""The decisions of operators about a client. It is read at most every two seconds. Knows no HTTP."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import OperationalError, connection

from timesheets.models import AssignmentList, ClientStop
from timesheets.storage.assignments import Assignments, find_newest_list, parse_list
from timesheets.storage.rows import CLIENT_TABLE, TABLE
from timesheets.trust.principals import ClientKey

MAX_AGE_SECONDS = 2.0
MAX_REMEMBERED_CLIENTS = 1024
# As long as the pool of PostgreSQL waits for a connection.
MAX_WAIT_SECONDS = 2.0

_STOP_TABLE = ClientStop._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
_LIST_TABLE = AssignmentList._meta.db_table  # noqa: SLF001
_HAS_ENTRIES = f"""EXISTS (
    SELECT 1 FROM {TABLE} WHERE client_id = (
        SELECT id FROM {CLIENT_TABLE}
        WHERE issuer = %(issuer)s AND client_id = %(client_id)s AND organization = {{}}
    )
)"""  # noqa: S608
_SELECT = f"""SELECT (
    SELECT is_stopped FROM {_STOP_TABLE} WHERE issuer = %(issuer)s AND client_id = %(client_id)s
    ORDER BY id DESC LIMIT 1
), (
    SELECT id FROM {_LIST_TABLE}
    WHERE issuer = %(issuer)s AND client_id = %(client_id)s AND organization = %(organization)s
    ORDER BY id DESC LIMIT 1
), (
    %(organization)s <> '' AND {_HAS_ENTRIES.format("''")} AND NOT {_HAS_ENTRIES.format("%(organization)s")}
)"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientPolicy:
    """The decisions of operators about a client.

    `is_undecided` if the client without organization has entries and the one of this organization has none:
    a file that is sent again would be stored twice.
    """

    is_stopped: bool
    is_undecided: bool
    # None if the client has no list, and may add everything.
    assignments: Assignments | None = None


class PolicyMemory:
    """The policies of the clients that were last asked for, each at most two seconds old."""

    def __init__(
        self,
        read: Callable[[ClientKey, ClientPolicy | None], ClientPolicy],
        monotonic: Callable[[], float] = time.monotonic,
        wait_seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        """`read` gets the policy that it read before."""
        self._read, self._monotonic, self._wait_seconds = read, monotonic, wait_seconds
        self._reading = threading.Lock()
        # Each with the time at which it expires, in the order in which they were read.
        self._remembered: dict[ClientKey, tuple[ClientPolicy, float]] = {}

    def find(self, client: ClientKey) -> ClientPolicy:
        """The client's policy. Raises what reading it raises, or OperationalError after some seconds."""
        policy, fresh_until = self._remembered.get(client, (None, 0.0))
        if policy is not None and self._monotonic() <= fresh_until:
            return policy
        # If the database hangs, requests must not wait for each other one by one.
        if not self._reading.acquire(timeout=self._wait_seconds):
            raise OperationalError("Another request waits for a policy of a client")
        try:
            now = self._monotonic()
            policy, fresh_until = self._remembered.pop(client, (None, 0.0))
            if policy is None or now > fresh_until:
                policy, fresh_until = self._read(client, policy), now + MAX_AGE_SECONDS
            self._remembered[client] = policy, fresh_until
            if len(self._remembered) > MAX_REMEMBERED_CLIENTS:
                del self._remembered[next(iter(self._remembered))]
            return policy
        finally:
            self._reading.release()


def _read_policy(client: ClientKey, before: ClientPolicy | None) -> ClientPolicy:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, client._asdict())
        is_stopped, list_id, is_undecided = cursor.fetchone()
    assignments = before.assignments if before else None
    if list_id is None:
        assignments = None
    elif assignments is None or assignments.list_id != list_id:
        newest = find_newest_list(client)
        assignments = None if newest is None else Assignments(parse_list(newest), newest.pk)
    if not connection.in_atomic_block:
        # The request's body may be slow to arrive, and the pool of PostgreSQL is small. A process that stops
        # closes no connections of other threads.
        connection.close()
    return ClientPolicy(is_stopped=bool(is_stopped), is_undecided=bool(is_undecided), assignments=assignments)


find_policy = PolicyMemory(_read_policy).find
