"""Give entries the ids that let a file be sent twice and stored once."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, DecimalException

from timesheets_client.reading.entries import COLUMNS, ENTRY_ID, InputEntry, Members, RejectedEntry
from timesheets_client.reading.json_values import encode_value

ID_BYTES = 16
NO_DAY = "00000000"


class EntryIds:
    """Derives the ids of one file's entries from their content.

    Equal entries are told apart by how many came before, whatever stands between them. To count them
    costs about 100 bytes an entry.
    """

    def __init__(self) -> None:
        # By 60 bits of the content's hash, which Python keeps in 32 bytes. Two contents that share them
        # only get other ordinals.
        self._seen: set[int] = set()
        self._repeats: dict[int, int] = {}

    def identify(self, entry: InputEntry) -> InputEntry:
        """The entry with its own id, or with one that is derived."""
        return InputEntry(source=entry.source, members=self.add_id(entry.members))

    def identify_rejected(self, rejected: RejectedEntry) -> RejectedEntry:
        """The same for what was rejected, so that mending it doesn't make it the equal of another entry."""
        if rejected.members:
            return replace(rejected, members=self.add_id(rejected.members))
        # Of what has no members the text stands for the content.
        return replace(rejected, members={ENTRY_ID: self.add_id({"text": rejected.text})[ENTRY_ID]})

    def add_id(self, members: Members) -> Members:
        if members.get(ENTRY_ID) is not None:
            return members
        moment = normalize_date(members.get("date"))
        digest = digest_content(canonicalize(members, moment).encode())
        if ordinal := self._count(int.from_bytes(digest[:8]) >> 4):
            digest = digest_content(b"%d %b" % (ordinal, digest))
        return {**members, ENTRY_ID: f"{find_day(moment)}-{digest.hex()}"}

    def _count(self, key: int) -> int:
        """How many came before."""
        if key not in self._seen:
            self._seen.add(key)
            return 0
        self._repeats[key] = self._repeats.get(key, 0) + 1
        return self._repeats[key]


def digest_content(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=ID_BYTES).digest()


def canonicalize(members: Members, moment: object) -> str:
    """The content by value: 5 hours are 5.00 hours, and a moment is the same in every zone."""
    user_id, project = (strip_text(members.get(name)) for name in ("user_id", "project"))
    values = [user_id, moment, project, normalize_hours(members.get("hours"))]
    others = sorted(name for name in members if name not in COLUMNS and name != ENTRY_ID)
    return encode_value([*values, *([name, members[name]] for name in others)])


def strip_text(text: object) -> object:
    return text.strip() if isinstance(text, str) else text


def normalize_date(date: object) -> object:
    """A moment in UTC; a day, or what is neither, as it is."""
    if isinstance(date, str) and len(date) > len("2017-05-10"):
        try:
            return datetime.fromisoformat(date.upper()).astimezone(UTC).isoformat()
        except (ValueError, OverflowError):
            return date
    return date


def normalize_hours(hours: object) -> object:
    """The number without zeros at its end; what is none as it is."""
    try:
        number = Decimal(hours) if isinstance(hours, str) else hours
        return str(number.normalize()) if isinstance(number, Decimal) and number.is_finite() else hours
    except DecimalException:
        # Its exponent is beyond what can be computed with.
        return hours


def find_day(moment: object) -> str:
    """The day of a moment as `20170510`."""
    digits = moment[:10].replace("-", "") if isinstance(moment, str) else ""
    return digits if len(digits) == len(NO_DAY) and digits.isascii() and digits.isdigit() else NO_DAY
