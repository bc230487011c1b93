"""Measure the peak memory of a process."""

import re
from pathlib import Path


def read_peak() -> int:
    """In bytes, of this process (Linux only)."""
    # The maximum of getrusage includes that of the parent process.
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
