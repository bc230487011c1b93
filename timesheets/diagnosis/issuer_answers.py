"""Judge an answer of the issuer: a document, or why there is none and what to do. Knows no web framework."""

import enum
import http.client
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from timesheets.diagnosis.issuer_probes import Probe
from timesheets.diagnosis.plain_words import make_printable
from timesheets.trust.issuer_documents import LOOPBACK_HOSTS, DocumentUnavailable


class Verdict(enum.StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of one thing, and what to do where it is not as it should be."""

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""
    # True where the same may succeed later with nothing changed.
    is_temporary: bool = False


def judge_answer(subject: str, answer: Probe) -> Finding:
    if not isinstance(answer.outcome, DocumentUnavailable):
        text = f"{make_printable(answer.url)} in {answer.milliseconds} ms"
        return Finding(verdict=Verdict.OK, subject=subject, text=text)
    remedy, is_temporary = _find_remedy(answer.url, answer.outcome)
    return Finding(
        verdict=Verdict.FAILED,
        subject=subject,
        # Either may name an address that is from the issuer's metadata.
        text=f"{make_printable(str(answer.outcome))}, after {answer.milliseconds} ms",
        remedy=make_printable(remedy),
        is_temporary=is_temporary,
    )


def _find_remedy(url: str, failure: DocumentUnavailable) -> tuple[str, bool]:
    """What to do, and whether waiting may be all that it takes."""
    if failure.status is not None:
        return _find_by_status(failure.status)
    if failure.__cause__ is not None:
        return _find_by_cause(url, failure.__cause__)
    return "See that it is the address of the issuer's document: https, a JSON object, at most 64 KiB.", False


def _find_by_status(status: int) -> tuple[str, bool]:
    if status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The issuer is in trouble: try again later, and look at its status page.", True
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # Where to is not told: that is the other side's text.
        return "The API follows no redirect: configure the address that `curl -I` shows it to lead to.", False
    return "See that the address is the issuer's own, to the byte.", False


_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def _find_by_cause(url: str, cause: BaseException) -> tuple[str, bool]:
    host = urlsplit(url).hostname
    if isinstance(cause, ssl.SSLError):
        return "If a private authority signed its certificate, name the authority's in OAUTH_CA_FILE.", False
    if isinstance(cause, FileNotFoundError):
        return "OAUTH_CA_FILE names a file that is not there.", False
    if isinstance(cause, ConnectionRefusedError) and host in LOOPBACK_HOSTS:
        port = urlsplit(url).port or 80
        return f"Is the development server running? manage.py runserver {port}", True
    if isinstance(cause, socket.gaierror):
        return f"Nobody knows the host {host}: see that it is written right, and that DNS works here.", True
    if isinstance(cause, ValueError | http.client.InvalidURL):
        return "See that the address is written right.", False
    return f"See that this machine may reach {host}: firewall, routes. The API asks no proxy.", True
