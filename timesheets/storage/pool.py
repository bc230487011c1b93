"""Share the pool of connections to PostgreSQL among the clients."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection

from timesheets.storage.places import Places
from timesheets.trust.principals import MachineClient

# An upload that waits for a lock holds a connection for up to ten seconds. So the uploads of a client have a
# quarter of the pool, and only a few more of them wait for it, because each holds a thread.
_uploads = Places(
    lambda own, _: own < connection.pool.max_size // 4,  # type: ignore[attr-defined]
    waiting=Places(lambda own, _: own < 8),
    wait_seconds=2,
)


@contextmanager
def share_pool(client: MachineClient) -> Iterator[None]:
    """Run the block that stores an upload. Raises NoPlace, before it takes a connection."""
    if getattr(connection, "pool", None) is None or connection.in_atomic_block:
        yield
        return
    # A browser's session was read with one.
    close_old_connections()
    with _uploads.take(client.caller):
        try:
            yield
        finally:
            # A response may be slow to send.
            close_old_connections()
