"""Find the id up to which no upload in progress can add a row.

SQLite has one writer at a time, so rows appear in the order of their ids. PostgreSQL assigns an id when a row
is inserted but shows the row only after the commit, so a reader that is past an id could miss its row.
Therefore each upload announces, until its transaction ends, the last id that was assigned before its own, and
readers stop at the lowest announced id. No upload and no reader waits for another.
"""

from typing import Any

from django.db import connection
from django.db.models import Max

from timesheets.models import Timesheet, Upload

# The first key of our advisory locks, which tells them from the locks of other programs.
_LOCK_CLASSES: dict[Any, int] = {Timesheet: int.from_bytes(b"time"), Upload: int.from_bytes(b"uplo")}
ADVISORY_LOCK_CLASS = _LOCK_CLASSES[Timesheet]


def announce(model: Any) -> str:
    """An upload selects from this before it assigns ids of the model's table in PostgreSQL.

    The name of the sequence is Django's for an identity column. The second key is a signed 32-bit integer, so
    the shifts keep the low 32 bits of the id.
    """
    return (
        f"SELECT pg_advisory_xact_lock_shared({_LOCK_CLASSES[model]}, ("
        f"COALESCE(pg_sequence_last_value('{model._meta.db_table}_id_seq'), 0) << 32 >> 32)::int)"  # noqa: SLF001
    )


def find_high_water_mark(model: Any = Timesheet) -> int:
    """An id up to which no new row can appear in the table. Later statements see all rows up to it."""
    highest: int = model.objects.aggregate(highest=Max("id"))["highest"] or 0
    if connection.vendor != "postgresql":
        return highest
    # The order matters: an upload that was assigned an id up to the highest had announced itself before. If
    # there is no lock now, its transaction has ended. An announced id is the one with these low 32 bits that
    # is within 2**31 of the highest.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min((objid::bigint - %s) << 32 >> 32) FROM pg_locks "
            "WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [highest, _LOCK_CLASSES[model]],
        )
        [lowest_distance] = cursor.fetchone()
    return highest + min(0, lowest_distance or 0)
