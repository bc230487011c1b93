"""Run the project's programs in separate processes, without the developer's environment."""

import os
import socket
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
NODE_MODULES = REPOSITORY / "tests/system/generated_clients/node_modules"
# The variables that Python and the system need to start a program.
_INHERITED = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG")

# Everything that production requires. No server listens at these addresses.
PRODUCTION_VARIABLES = {
    "DJANGO_SETTINGS_MODULE": "timesheets_site.settings_production",
    "DJANGO_SECRET_KEY": "k3" * 20 + "zw\N{LATIN SMALL LETTER O WITH DIAERESIS}lf-boxers-chase-viktor",
    "DATABASE_URL": "postgres://timesheets:hidden-password@127.0.0.1:1/timesheets",
    "TIMESHEETS_ALLOWED_HOSTS": "timesheets.example.com",
    "TIMESHEETS_PUBLIC_URL": "https://timesheets.example.com",
    "AUTH0_DOMAIN": "example.eu.auth0.com",
    "AUTH0_AUDIENCE": "https://timesheets.example.com",
}


def make_environment(**variables: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", **variables}


def link_manage_py(folder: Path) -> Path:
    """Return a manage.py that reads `.env` only from `folder`."""
    link = folder / "manage.py"
    if not link.is_symlink():
        link.symlink_to(REPOSITORY / "manage.py")
    return link


def run_python(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=make_environment(**variables),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        # Far longer than any of them takes, also where the machine is busy.
        timeout=300,
        check=False,
    )


def find_free_port() -> int:
    """Return a port for a server of this run. Nobody listens there, and no other process is given it."""
    probe = socket.socket()
    # A server that sets this option too, as all of them do, can listen while the port stays reserved.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port = int(probe.getsockname()[1])
    # Reserved until this process ends.
    probe.detach()
    return port
