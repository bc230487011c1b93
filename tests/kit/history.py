"""The code as it was before, from the project's history."""

import shutil
import subprocess
from pathlib import Path

from tests.kit.processes import REPOSITORY


def find_version_before_migration() -> str | None:
    """The commit before the one that added the newest migration. None without git or a history."""
    if shutil.which("git") is None:
        return None
    newest = _git(
        "log", "-1", "--diff-filter=A", "--no-renames", "--format=%H", "--", "timesheets/migrations/0*.py"
    )
    return _git("rev-parse", "--verify", "--quiet", f"{newest}^") or None


def extract(commit: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    archive = folder / "code.tar"
    _git("archive", f"--output={archive}", commit)
    shutil.unpack_archive(archive, folder, filter="data")


def _git(*arguments: str) -> str:
    """What git prints. Empty if it fails."""
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
