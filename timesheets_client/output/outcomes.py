"""What became of a file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    """Counts of entries; `rejects` is the file with those that were rejected, if there is one."""

    file: str
    entries: int
    created: int
    existing: int
    rejected: int
    rejects: Path | None
    seconds: float
    is_dry_run: bool = False

    def describe(self) -> str:
        """As in `week23.csv: 1000 entries, 990 created, 8 already there, 2 rejected in 0.4 s`."""
        counted = f"{self.file}: {self.entries} {'entry' if self.entries == 1 else 'entries'}"
        if self.is_dry_run:
            return f"{counted}, {self.rejected} rejected; nothing was sent (--dry-run)"
        return (
            f"{counted}, {self.created} created, {self.existing} already there, "
            f"{self.rejected} rejected in {self.seconds:.1f} s"
        )
