"""How long a server asks to be left alone, and when that is over, in words."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from timesheets_client.network.exchange import Answer

SECONDS = re.compile(r"\d{1,9}", re.ASCII)
# Whoever asks for more means "never"; a date that far off can't be written everywhere.
SECONDS_AT_MOST = 366 * 24 * 60 * 60


def read_retry_after(answer: Answer, now: float) -> float:
    """The seconds that the answer asks for, from `now` (seconds since 1970); 0 if it doesn't ask.

    Retry-After holds seconds or a date (RFC 9110 section 10.2.3). A date is compared with the answer's
    own, so that it doesn't matter whether the clocks agree.
    """
    text = (answer.retry_after or "").strip()
    if SECONDS.fullmatch(text):
        return min(float(text), SECONDS_AT_MOST)
    moment = read_http_date(text)
    if moment is None:
        return 0
    sent_at = read_http_date(answer.headers.get("Date", ""))
    return min(max(0.0, moment - (now if sent_at is None else sent_at)), SECONDS_AT_MOST)


def read_http_date(text: str) -> float | None:
    """Seconds since 1970, from any of the three forms of RFC 9110 section 5.6.7; None from anything else."""
    try:
        moment = parsedate_to_datetime(text)
        # All three mean UTC, and one doesn't say so.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def format_moment(seconds: float) -> str:
    """Local time and UTC, as in `2026-11-24 14:05:00 CET (13:05:00 UTC)`."""
    utc = datetime.fromtimestamp(math.ceil(seconds), UTC)
    local = utc.astimezone()
    if not local.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({utc:%H:%M:%S} UTC)"
