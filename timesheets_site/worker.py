"""The WSGI application for a worker of `manage.py serve`, which stops in order, however many signals it gets.

A second signal would hang it: granian's handler waits while it holds Python's lock, so it answers no request
and has to be killed. But two signals are normal. systemd and terminals signal every process of a
service, and granian's parent process signals its workers too.

It also cuts off readers that take nothing of a response: granian's threads would wait for them without limit.
"""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

READER_TIMEOUT_SECONDS = 60


def _cut_off_stalled_readers() -> None:
    """Limit how long a reader may take nothing of what is sent to it. Only Linux can do this.

    Connections inherit the limit from the socket that listens. granian opens it after it has loaded this.
    """
    while not any(_limit_if_it_listens(path) for path in Path("/proc/self/fd").glob("*")):
        time.sleep(0.02)


def _limit_if_it_listens(path: Path) -> bool:
    try:
        if not path.is_socket():
            return False
        with socket.socket(fileno=os.dup(int(path.name))) as opened:
            if not opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return False
            if opened.family != socket.AF_UNIX:
                milliseconds = READER_TIMEOUT_SECONDS * 1000
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            return True
    except OSError:
        # It was closed meanwhile.
        return False


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_inherited_handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}


def _pass_on_the_first_signal() -> None:
    number = signal.sigwait(_STOP_SIGNALS)
    # granian sets the worker's handlers only after it has loaded the application.
    while (handler := signal.getsignal(number)) is _inherited_handlers[signal.Signals(number)]:
        time.sleep(0.05)
    if callable(handler):
        handler(number, None)


# All later threads inherit this, so only the thread below gets signals. Those after the first stay pending.
signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
threading.Thread(target=_pass_on_the_first_signal, name="stop", daemon=True).start()
if sys.platform == "linux":
    threading.Thread(target=_cut_off_stalled_readers, name="readers", daemon=True).start()

from timesheets_site.wsgi import application  # noqa: E402, F401  A signal while it loads is not lost.
