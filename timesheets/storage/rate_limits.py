"""Count requests and sign-ins within a period, in one place for all processes on all machines."""

import json
import math
import re
import time
from dataclasses import dataclass

from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac

from timesheets.models import Usage
from timesheets.storage.writer import take_turn, wait_for_lock

_TABLE = Usage._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# The syntax of DRF's rates, without the words that it also accepts, such as 5/month for 5 a minute.
_RATE = re.compile(r"([1-9][0-9]{0,8})/(s|sec|second|m|min|minute|h|hour|d|day)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `count` times within `seconds`."""

    count: int
    seconds: int


def parse_rate(text: str) -> Rate:
    """The rate that `600/min` and the like name. Raises ValueError."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError("Not a rate")
    return Rate(count=int(match[1]), seconds=_SECONDS[match[2][0]])


# A period begins with the first use. One statement decides and counts, so that no two processes can both take
# the last use. Clocks may differ, so a period that begins in the future counts too, unless a clock was wrong.
_IS_OVER = (
    f"{_TABLE}.began_at NOT BETWEEN excluded.began_at - %(seconds)s AND excluded.began_at + %(seconds)s"
)
_USE = f"""
    INSERT INTO {_TABLE} (key, began_at, count) SELECT %(key)s, %(now)s, 1 {{source}} WHERE true
    ON CONFLICT (key) DO UPDATE SET
        began_at = CASE WHEN {_IS_OVER} THEN excluded.began_at ELSE {_TABLE}.began_at END,
        count = CASE WHEN {_IS_OVER} THEN 1 ELSE {_TABLE}.count + 1 END
    WHERE {_IS_OVER} OR {_TABLE}.count < %(count)s
"""
_STATEMENTS = {
    "sqlite": _USE.format(source=""),
    # PostgreSQL need not wait for the disk: a crash may lose the last counts.
    "postgresql": _USE.format(source="FROM set_config('synchronous_commit', 'off', true)"),
}


def use(name: tuple[str, ...], rate: Rate) -> int:
    """Count one more use of the limit that `name` has. Returns 0, or in how many seconds to try again.

    A refused use does not count. Raises OperationalError if the database is busy or lost.
    """
    now, key = time.time(), _write_key(name)
    parameters: dict[str, str | float] = {"key": key, "now": now, **vars(rate)}
    # In PostgreSQL, a caller whose body is slow must not hold a connection of the pool.
    with take_turn(), connection.cursor() as cursor:
        wait_for_lock(lambda: cursor.execute(_STATEMENTS[connection.vendor], parameters))
        if cursor.rowcount:
            return 0
        cursor.execute(f"SELECT began_at FROM {_TABLE} WHERE key = %s", [key])  # noqa: S608
        [began_at] = cursor.fetchone() or [now]
    return min(max(1, math.ceil(float(began_at) + rate.seconds - now)), rate.seconds)


def give_back(name: tuple[str, ...]) -> None:
    """Uncount a use."""
    Usage.objects.filter(key=_write_key(name), count__gt=0).update(count=F("count") - 1)


def forget_expired() -> None:
    """Delete the counts that no longer matter, whatever their rate."""
    Usage.objects.filter(began_at__lt=time.time() - max(_SECONDS.values())).delete()


def _write_key(name: tuple[str, ...]) -> str:
    """A name may be a person's address, so only its hash is stored."""
    return salted_hmac(__name__, json.dumps(name), algorithm="sha256").hexdigest()
