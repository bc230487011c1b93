"""Which ids are settled: no upload that is under way can still add an entry below them.

SQLite has one writer at a time, so entries appear there in the order of their ids. PostgreSQL gives an id
when a row is inserted and shows the row when it is committed, so a reader that has passed an id could miss
it. There each upload announces, for as long as its transaction lasts, the last id that was given before its
own, and readers stop at the lowest that is announced. Nobody waits for anybody.
"""

from django.db import connection
from django.db.models import Max

from timesheets.models import Timesheet

# A row of a query that an upload takes its entries' ids after. Django names an identity's sequence so.
ANNOUNCEMENT = (
    "SELECT pg_advisory_xact_lock_shared("
    f"COALESCE(pg_sequence_last_value('{Timesheet._meta.db_table}_id_seq'), 0))"  # noqa: SLF001
)


def find_last_settled_id() -> int:
    """No entry can appear any more up to this id, and statements sent from now on see all there are."""
    highest: int = Timesheet.objects.aggregate(highest=Max("id"))["highest"] or 0
    if connection.vendor != "postgresql":
        return highest
    # In this order: whoever was given an id up to the highest announced that before, and if no lock
    # tells of it now, its transaction is over.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(classid::bigint << 32 | objid::bigint) FROM pg_locks "
            "WHERE locktype = 'advisory' AND objsubid = 1 "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        [lowest_announced] = cursor.fetchone()
    return highest if lowest_announced is None else min(highest, int(lowest_announced))
