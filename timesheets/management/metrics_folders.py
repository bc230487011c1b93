"""Give each server that starts an empty folder for its metrics, and remove those of servers that are gone."""

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "timesheets-metrics-"


def make_metrics_folder() -> str:
    """A new folder that only this user can read, named after this process. Raises OSError."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not _is_in_use(folder.name.removeprefix(_PREFIX).partition("-")[0]):
            # Other users' folders stay, because this process may not remove them.
            shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")


def _is_in_use(process_id: str) -> bool:
    """Whether a server runs under this id. This process has no folder yet, so one with its id is old."""
    try:
        os.kill(int(process_id), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return int(process_id) != os.getpid()
