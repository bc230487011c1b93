"""Derive ids for entries, so that a file that is sent twice is stored once."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, DecimalException

from timesheets_client.reading.entries import InputEntry, Members, RejectedEntry, encode_value
from timesheets_files.members import COLUMNS, ENTRY_ID, OPTIONAL_COLUMNS, REVISION

ID_BYTES = 16
NO_DATE = "00000000"
NO_OWN_ID = "a revision other than 1 needs the entry_id that the corrected entry was stored with; add it"


class Occurrences:
    """Counts equal digests. Takes about 100 bytes per digest."""

    def __init__(self) -> None:
        # 60 bits of a hash are an int of 32 bytes.
        self._counts: dict[int, int] = {}

    def count(self, digest: bytes) -> int:
        """The number of earlier calls with this digest."""
        key = int.from_bytes(digest[:8]) >> 4
        earlier = self._counts.get(key, 0)
        self._counts[key] = earlier + 1
        return earlier


class EntryIds:
    """Derives the ids of the entries of one file: from their content, and the ordinal of equal entries."""

    def __init__(self) -> None:
        # A collision only changes the ordinals.
        self._occurrences = Occurrences()

    def identify(self, entry: InputEntry) -> InputEntry:
        """The entry with its own id or a derived one; a correction has only its own."""
        return InputEntry(source=entry.source, members=self.add_id(entry.members))

    def identify_rejected(self, rejected: RejectedEntry) -> RejectedEntry:
        """The same for a rejected entry, so that it keeps its identity once it is corrected."""
        if rejected.members:
            return replace(rejected, members=self.add_id(rejected.members))
        return replace(rejected, members={ENTRY_ID: self.add_id({"text": rejected.text})[ENTRY_ID]})

    def add_id(self, members: Members) -> Members:
        if members.get(ENTRY_ID) is not None or is_correction(members):
            return members
        date = normalize_date(members.get("date"))
        digest = digest_content(canonicalize(members, date).encode())
        if ordinal := self._occurrences.count(digest):
            digest = digest_content(b"%d %b" % (ordinal, digest))
        return {**members, ENTRY_ID: f"{find_day(date)}-{digest.hex()}"}


class StatedIds:
    """Remembers the content of each `entry_id`, and of each of its revisions."""

    def __init__(self) -> None:
        self._contents: dict[int, int] = {}

    def differs(self, members: Members) -> bool:
        """Whether an earlier entry has the same id and revision, and another content."""
        own = [members.get(name) for name in (ENTRY_ID, REVISION)]
        if own[0] is None:
            return False
        texts = (encode_value(own), canonicalize(members, normalize_date(members.get("date"))))
        key, content = (int.from_bytes(digest_content(text.encode())[:8]) for text in texts)
        return self._contents.setdefault(key, content) != content


def require_own_id(item: InputEntry | RejectedEntry) -> InputEntry | RejectedEntry:
    """The item, or its rejection if it is a correction that does not say of which entry."""
    if item.members.get(ENTRY_ID) is not None or not is_correction(item.members):
        return item
    errors = item.errors if isinstance(item, RejectedEntry) else {}
    return RejectedEntry(source=item.source, errors={ENTRY_ID: [NO_OWN_ID], **errors}, members=item.members)


def is_correction(members: Members) -> bool:
    """Whether the entry has a revision other than 1, even one that the API refuses."""
    revision = members.get(REVISION)
    return not (revision is None or (isinstance(revision, Decimal) and revision == 1))


def digest_entry(members: Members) -> bytes:
    """A digest of the content, and of the entry's own id, revision and reason."""
    content = canonicalize(members, normalize_date(members.get("date")))
    own = encode_value([members.get(name) for name in OPTIONAL_COLUMNS])
    return digest_content(f"{content}{own}".encode())


def digest_content(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=ID_BYTES).digest()


def canonicalize(members: Members, date: object) -> str:
    """The content by value: 5 equals 5.00, and a timestamp is the same in every time zone."""
    user_id, project = (strip_text(members.get(name)) for name in ("user_id", "project"))
    values = [user_id, date, project, normalize_hours(members.get("hours"))]
    others = sorted(name for name in members if name not in (*COLUMNS, *OPTIONAL_COLUMNS))
    return encode_value([*values, *([name, members[name]] for name in others)])


def strip_text(text: object) -> object:
    return text.strip() if isinstance(text, str) else text


def normalize_date(date: object) -> object:
    """A timestamp in UTC; every other value unchanged."""
    if isinstance(date, str) and len(date) > len("2017-05-10"):
        try:
            return datetime.fromisoformat(date.upper()).astimezone(UTC).isoformat()
        except (ValueError, OverflowError):
            return date
    return date


def normalize_hours(hours: object) -> object:
    """A number without trailing zeros; every other value unchanged."""
    try:
        number = Decimal(hours) if isinstance(hours, str) else hours
        return str(number.normalize()) if isinstance(number, Decimal) and number.is_finite() else hours
    except DecimalException:
        # Its exponent is too large to compute with.
        return hours


def find_day(date: object) -> str:
    """The day of a date or timestamp, as `20170510`."""
    digits = date[:10].replace("-", "") if isinstance(date, str) else ""
    return digits if len(digits) == len(NO_DATE) and digits.isascii() and digits.isdigit() else NO_DATE
