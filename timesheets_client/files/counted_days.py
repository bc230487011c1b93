"""Find the days on which the API counts entries. That of a time depends on the API's zone."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache, partial
from urllib.parse import urlsplit

from timesheets_client.environment.config import UPLOAD_PATH
from timesheets_client.errors import TemporaryFailure, UploadError
from timesheets_client.network.addresses import find_fault
from timesheets_client.network.exchange import Connection, Timeouts, open_session
from timesheets_client.network.messages import Message
from timesheets_client.network.retries import send_with_retries
from timesheets_files.dates import find_zone

# In front of the path of the resource (RFC 9728, section 3.1).
METADATA_PATH = "/.well-known/oauth-protected-resource"
MAX_DATES = 4096
DATE_LENGTH = len("2026-06-03")


class CountedDays:
    """`find_api_zone` is called once, when the first time of day needs it."""

    def __init__(self, find_api_zone: Callable[[], tzinfo | None] = lambda: None) -> None:
        self._find_api_zone = cache(find_api_zone)
        self.has_times = False

    @property
    def zone(self) -> tzinfo | None:
        """The API's zone, if it is known and matters."""
        return self._find_api_zone() if self.has_times else None

    def find(self, value: object) -> date | None:
        """The day of a date or of a time, if there is one; without a zone, the day that a time shows."""
        day = find_shown_day(value)
        if not day or len(str(value)) == DATE_LENGTH:
            return day
        self.has_times = True
        return find_day_in(self.zone, str(value)) or day


def find_shown_day(value: object) -> date | None:
    return parse_day(value[:DATE_LENGTH]) if isinstance(value, str) else None


@lru_cache(MAX_DATES)
def parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def find_day_in(zone: tzinfo | None, text: str) -> date | None:
    try:
        time = datetime.fromisoformat(text.upper())
        return time.astimezone(zone).date() if zone and time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def look_up_zone(variables: Mapping[str, str], timeouts: Timeouts) -> tzinfo | None:
    """The API's zone; None if no API is set, none answers at once, or it does not name its zone."""
    address = variables.get("TIMESHEETS_API_URL", "")
    if not address or find_fault(address):
        return None
    try:
        with open_session() as session:
            connection = Connection(session=session, timeouts=timeouts, retries=0)
            return find_api_zone(f"{address.rstrip('/')}{UPLOAD_PATH}", connection)
    except UploadError:
        return None


def find_api_zone(upload_url: str, connection: Connection) -> tzinfo | None:
    """The zone in the API's metadata; None if they do not name it. Raises an UploadError."""
    parts = urlsplit(upload_url)
    message = Message(method="GET", url=f"{parts.scheme}://{parts.netloc}{METADATA_PATH}{parts.path}")
    answer = send_with_retries(partial(connection.send, message), connection.retries, connection.clock)
    if answer.is_temporary_failure:
        raise TemporaryFailure(f"{answer.url}: {answer.status}; run it again later")
    return find_zone(answer.quote("time_zone"))
