"""Group entries into batches, the bodies of upload requests."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from timesheets_client.reading.entries import InputEntry, encode_value

MAX_BYTES = 1024 * 1024
# Higher levels take more time than they save on the network.
GZIP_LEVEL = 1
CONTENT_HEADERS = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Entries, and their lines of NDJSON."""

    entries: Sequence[InputEntry]
    lines: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def has_ids(self) -> bool:
        return all(entry.members.get("entry_id") is not None for entry in self.entries)

    def encode(self) -> bytes:
        """The body that CONTENT_HEADERS describe."""
        return gzip.compress(b"".join(self.lines), GZIP_LEVEL)

    def halve(self) -> list["Batch"]:
        middle = len(self) // 2
        halves = (slice(middle), slice(middle, None))
        return [Batch(entries=self.entries[half], lines=self.lines[half]) for half in halves]


def encode_entry(entry: InputEntry) -> bytes:
    return b"%b\n" % encode_value(dict(entry.members)).encode()


def make_batches(
    entries: Iterable[InputEntry], max_entries: int, max_bytes: int = MAX_BYTES
) -> Iterator[Batch]:
    """Batches in the order of the entries. An entry over `max_bytes` is a batch by itself."""
    taken: list[InputEntry] = []
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        line = encode_entry(entry)
        if taken and (len(taken) == max_entries or size + len(line) > max_bytes):
            yield Batch(entries=taken, lines=lines)
            taken, lines, size = [], [], 0
        taken.append(entry)
        lines.append(line)
        size += len(line)
    if taken:
        yield Batch(entries=taken, lines=lines)
