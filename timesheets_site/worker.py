"""The WSGI application for a worker of `manage.py serve`, which stops in order, however many signals it gets.

A second signal would hang it: granian's handler waits while it holds Python's lock, so it answers no request
and has to be killed. But two signals are normal. systemd and terminals signal every process of a
service, and granian's parent process signals its workers too.
"""

import signal
import threading
import time

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

from timesheets_site.wsgi import application  # noqa: E402, F401  A signal while it loads is not lost.
