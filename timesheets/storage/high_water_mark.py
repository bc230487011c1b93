"""Which ids are settled: no upload that is under way can still add an entry below them.

SQLite has one writer at a time, so entries appear there in the order of their ids. PostgreSQL gives an id
when a row is inserted and shows the row when it is committed, so a reader that has passed an id could miss
it. There each upload announces, for as long as its transaction lasts, the last id that was given before its
own, and readers stop at the lowest that is announced. Nobody waits for anybody.
"""

from django.db import connection
from django.db.models import Max

from timesheets.models import Timesheet

# The first key of our advisory locks, so that they are told from those of other programs.
ADVISORY_LOCK_CLASS = int.from_bytes(b"time")

# A row of a query that an upload takes its entries' ids after. Django names an identity's sequence so. The
# second key has 32 bits and a sign: the shifts leave these of the id.
ANNOUNCE_UPLOAD = (
    f"SELECT pg_advisory_xact_lock_shared({ADVISORY_LOCK_CLASS}, ("
    f"COALESCE(pg_sequence_last_value('{Timesheet._meta.db_table}_id_seq'), 0) << 32 >> 32)::int)"  # noqa: SLF001
)


def find_high_water_mark() -> int:
    """No entry can appear any more up to this id, and statements sent from now on see all there are."""
    highest: int = Timesheet.objects.aggregate(highest=Max("id"))["highest"] or 0
    if connection.vendor != "postgresql":
        return highest
    # In this order: whoever was given an id up to the highest announced that before, and if no lock
    # tells of it now, its transaction is over. Of all ids with these 32 bits, one is announced that is
    # less than 2**31 away from the highest.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min((objid::bigint - %s) << 32 >> 32) FROM pg_locks "
            "WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [highest, ADVISORY_LOCK_CLASS],
        )
        [lowest_distance] = cursor.fetchone()
    return highest + min(0, lowest_distance or 0)
