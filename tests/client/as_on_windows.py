"""Run the client without what Windows lacks, and with what Windows forbids.

This is not Windows: paths, consoles and access lists stay those of this machine. Libraries are imported
first, because on Windows they run other code.

OPENED_ELSEWHERE and CLOSED_ELSEWHERE name a file that another program has open, which may be read or not.
"""

import errno
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

LIBRARIES = (
    *("cryptography.hazmat.primitives.serialization", "dotenv", "encodings.cp1252", "filelock", "jwt"),
    *("openpyxl", "platformdirs", "requests", "tenacity", "tqdm", "uuid", "zoneinfo"),
)
POSIX_ONLY = """
O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork getegid geteuid getgid getuid killpg
mkfifo uname
"""
MODULES = ("fcntl", "grp", "pwd", "resource", "termios")
SHARING_VIOLATION, ACCESS_DENIED = 32, 5
os_open, os_replace, os_unlink = os.open, os.replace, os.unlink


def deny(path: Any, winerror: int | None) -> PermissionError:
    error = PermissionError(errno.EACCES, "Permission denied", str(path))
    error.winerror = winerror  # type: ignore[attr-defined,unused-ignore]
    return error


def refuse_descriptors(*descriptors: object) -> None:
    if any(each is not None for each in descriptors):
        raise NotImplementedError("dir_fd unavailable on this platform")


def is_named(variable: str, path: str) -> bool:
    return os.path.basename(path) == os.environ.get(variable)  # noqa: PTH119


def is_open(path: str) -> bool:
    if is_named("OPENED_ELSEWHERE", path) or is_named("CLOSED_ELSEWHERE", path):
        return True
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return any(os.path.samestat(status, each) for each in list_open_files())


def list_open_files() -> list[os.stat_result]:
    found = []
    for descriptor in range(3, 100):
        try:
            found.append(os.fstat(descriptor))
        except OSError:
            continue
    return found


def open_shared(path: Any, flags: int, mode: int = 0o777, *, dir_fd: object = None) -> int:
    refuse_descriptors(dir_fd)
    # The C library reports no Windows error code.
    if is_named("CLOSED_ELSEWHERE", path):
        raise deny(path, None)
    return os_open(path, flags, mode)


def replace(source: Any, target: Any, *, src_dir_fd: object = None, dst_dir_fd: object = None) -> None:
    refuse_descriptors(src_dir_fd, dst_dir_fd)
    if is_open(source):
        raise deny(source, SHARING_VIOLATION)
    if is_open(target):
        raise deny(target, ACCESS_DENIED)
    os_replace(source, target)


def unlink(path: Any, *, dir_fd: object = None) -> None:
    refuse_descriptors(dir_fd)
    if is_open(path):
        raise deny(path, SHARING_VIOLATION)
    os_unlink(path)


def keep_posix_for(library: str) -> None:
    copy = SimpleNamespace(**vars(os))
    for name, module in sys.modules.items():
        if name.startswith(library) and hasattr(module, "os"):
            module.os = copy  # type: ignore[attr-defined]


def become_windows() -> None:
    for name in LIBRARIES:
        import_module(name)
    keep_posix_for("filelock")
    for name in POSIX_ONLY.split():
        if hasattr(os, name):
            delattr(os, name)
    sys.modules.update(dict.fromkeys(MODULES))  # type: ignore[arg-type]  # None stops an import.
    os.supports_dir_fd, os.supports_fd = set(), set()
    replacements: dict[str, Callable[..., Any]] = {"open": open_shared, "replace": replace, "rename": replace}
    for name, function in {**replacements, "unlink": unlink, "remove": unlink}.items():
        setattr(os, name, function)
    tempfile.TemporaryFile = tempfile.NamedTemporaryFile  # type: ignore[assignment,unused-ignore]
    signal.SIGBREAK = signal.SIGUSR1  # type: ignore[attr-defined,unused-ignore]
    # Not os.name: pathlib of another platform does not work here.
    sys.platform = "win32"


if __name__ == "__main__":
    become_windows()
    main = import_module("timesheets_client.__main__").main
    main()
