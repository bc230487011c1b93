"""Find the id up to which no upload in progress can add a row.

SQLite has one writer at a time, so rows appear in the order of their ids. PostgreSQL assigns an id when a row
is inserted but shows the row only after the commit, so a reader that is past an id could miss its row.
Therefore each upload announces, until its transaction ends, the last id that was assigned before its own, and
readers stop at the lowest announced id. No upload waits for another, and a reader only while one is between
the two steps of its announcement.
"""

import time
from typing import Any

from django.db import OperationalError, connection
from django.db.models import Max

from timesheets.models import Timesheet, Upload
from timesheets.storage.writer import MAX_WAIT_SECONDS

# The first key of our advisory locks, which tells them from the locks of other programs.
_LOCK_CLASSES: dict[Any, int] = {Timesheet: int.from_bytes(b"time"), Upload: int.from_bytes(b"uplo")}
ADVISORY_LOCK_CLASS = _LOCK_CLASSES[Timesheet]
# Its second key is the class of the lock that follows.
_ANNOUNCING = int.from_bytes(b"anno")
_POLL_SECONDS = 0.001


def announce(model: Any) -> str:
    """An upload selects from this before it assigns ids of the model's table in PostgreSQL.

    The first lock says that the id of the second one is being read. Without it, readers could pass that id
    meanwhile, and would then have to go back. CASE makes PostgreSQL keep the order. The name of the sequence
    is Django's for an identity column. The second key is a signed 32-bit integer, so the shifts keep the low
    32 bits of the id.
    """
    lock_class, sequence = _LOCK_CLASSES[model], f"{model._meta.db_table}_id_seq"  # noqa: SLF001
    return (
        f"SELECT pg_advisory_xact_lock_shared({lock_class}, ("
        f"CASE WHEN pg_advisory_xact_lock_shared({_ANNOUNCING}, {lock_class}) IS NOT NULL "
        f"THEN COALESCE(pg_sequence_last_value('{sequence}'), 0) END << 32 >> 32)::int)"
    )


def find_high_water_mark(model: Any = Timesheet) -> int:
    """An id up to which no new row can appear in the table. Later statements see all rows up to it.

    No later call returns a lower one. Raises OperationalError.
    """
    highest: int = model.objects.aggregate(highest=Max("id"))["highest"] or 0
    if connection.vendor != "postgresql":
        return highest
    # The order matters: an upload that was assigned an id up to the highest had announced itself before. If
    # there is no lock now, its transaction has ended.
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while (distance := _find_lowest_distance(highest, _LOCK_CLASSES[model])) is None:
        if time.monotonic() > deadline:
            raise OperationalError("An upload took too long to announce itself")
        time.sleep(_POLL_SECONDS)
    return highest + min(0, distance)


def _find_lowest_distance(highest: int, lock_class: int) -> int | None:
    """From the highest id to the lowest announced one; None while an upload has not announced its id yet.

    An announced id is the one with these low 32 bits that is within 2**31 of the highest.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(min(distance), 0), COALESCE(bool_or(distance IS NULL), false) FROM (SELECT "
            "min((objid::bigint - %(highest)s) << 32 >> 32) FILTER (WHERE classid = %(class)s) AS distance "
            "FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
            "AND (classid = %(class)s OR classid = %(announcing)s AND objid = %(class)s) "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "GROUP BY pid) AS uploads",
            {"highest": highest, "class": lock_class, "announcing": _ANNOUNCING},
        )
        lowest_distance, is_announcing = cursor.fetchone()
    return None if is_announcing else int(lowest_distance)
