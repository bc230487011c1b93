"""Judge whether the API can use an issuer: its address, name, keys and clock. Knows no web framework."""

import http.client
import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from timesheets.diagnosis.wording import describe_duration, make_printable, quote
from timesheets.trust.issuer_documents import Document, DocumentUnavailable, fetch_document
from timesheets.trust.issuers import DEADLINE_SECONDS, Issuer, WebClient, find_metadata_urls, read_endpoint
from timesheets.trust.jwk_sets import UsableKey, read_usable_keys
from timesheets.trust.token_rules import TokenPolicy

_NOT_NEEDED = "The API does not need it, because it knows where the keys are."
# The status of a finding.
OK, WARNING, FAILED = "ok", "warning", "FAILED"
_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
# A `Date` header has whole seconds, and a response takes at most three.
_CLOCK_PRECISION_SECONDS = 5


@dataclass(frozen=True)
class Finding:
    status: str
    subject: str
    text: str
    remedy: str = ""
    # True if it may succeed later without a change.
    is_temporary: bool = False


def examine_issuer(
    issuer: Issuer, policy: TokenPolicy, web_client: WebClient | None = None
) -> Iterator[Finding]:
    """Yield a finding for each thing that the API needs of the issuer, in that order."""
    yield Finding(OK, "issuer", issuer.url)
    deadline = time.monotonic() + DEADLINE_SECONDS
    metadata = yield from _find_metadata(issuer, deadline, is_needed=bool(web_client or not issuer.jwks_url))
    document, jwks_url = metadata, issuer.jwks_url
    if metadata:
        yield from _judge_metadata(issuer, metadata.members)
        if web_client:
            yield from _judge_web_client(web_client, metadata.members)
        if not jwks_url and metadata.members.get("issuer") == issuer.url:
            jwks_url = metadata.members.get("jwks_uri")
    if isinstance(jwks_url, str):
        # The API fetches the metadata and the keys within one deadline.
        deadline = time.monotonic() + DEADLINE_SECONDS if issuer.jwks_url else deadline
        finding, keys = _request("keys", jwks_url, issuer, deadline)
        yield finding
        if keys:
            document = keys
            yield from _judge_keys(keys, policy)
    yield _judge_clock(document, policy.leeway_seconds)


def _find_metadata(
    issuer: Issuer, deadline: float, *, is_needed: bool
) -> Generator[Finding, None, Document | None]:
    failures = []
    for url in find_metadata_urls(issuer.url):
        finding, document = _request("discovery", url, issuer, deadline)
        if document:
            yield finding
            return document
        failures.append(finding if is_needed else replace(finding, status=WARNING, remedy=_NOT_NEEDED))
    yield from failures
    return None


def _request(subject: str, url: str, issuer: Issuer, deadline: float) -> tuple[Finding, Document | None]:
    """Request a document of the issuer as the API does, by `deadline` in monotonic seconds."""
    asked_at = time.monotonic()
    document, remedy, is_temporary, text = None, "", False, url
    try:
        document = fetch_document(url, deadline=deadline, ca_file=issuer.ca_file)
    except DocumentUnavailable as failure:
        text, (remedy, is_temporary) = str(failure), _find_remedy(failure)
    # The metadata may name any URL.
    text = f"{make_printable(text)} in {(time.monotonic() - asked_at) * 1000:.0f} ms"
    return Finding(OK if document else FAILED, subject, text, remedy, is_temporary), document


def _find_remedy(failure: DocumentUnavailable) -> tuple[str, bool]:
    """Return advice about a failed request, and whether it may succeed later without a change."""
    status, cause = failure.status or 0, failure.__cause__
    if status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The issuer has a problem: try again later, and check its status page.", True
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # An attacker can write the Location header, so the remedy does not repeat it.
        return "The API follows no redirects: configure the URL that `curl -I` shows as Location.", False
    if isinstance(cause, ssl.SSLError):
        return "If a private CA signed the certificate, set OAUTH_CA_FILE to the CA's certificate.", False
    if isinstance(cause, OSError | http.client.HTTPException):
        return "Make sure that this machine can reach it: DNS, firewall, routes. The API uses no proxy.", True
    return "Check the URL: it must lead to a JSON object of at most 64 KiB, over https.", False


def _judge_metadata(issuer: Issuer, members: Mapping[str, Any]) -> Iterator[Finding]:
    # OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3: it equals `iss` in tokens.
    if members.get("issuer") == issuer.url:
        yield Finding(OK, "name", "the metadata name this issuer")
    else:
        remedy = "Set OAUTH_ISSUER to exactly this name if you trust that issuer: every byte counts."
        yield Finding(FAILED, "name", f"the metadata name the issuer {quote(members.get('issuer'))}", remedy)
    if not issuer.jwks_url and not isinstance(members.get("jwks_uri"), str):
        remedy = "Set OAUTH_JWKS_URL to the URL of the issuer's JWK Set."
        yield Finding(FAILED, "jwks_uri", "the metadata do not say where the keys are", remedy)


def _judge_web_client(client: WebClient, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("authorization_endpoint", "token_endpoint"):
        try:
            yield Finding(OK, name, make_printable(read_endpoint(metadata, name)))
        except DocumentUnavailable as failure:
            remedy = "People can sign in only at an issuer with OpenID Connect Discovery."
            yield Finding(FAILED, name, str(failure), remedy)
    methods = metadata.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" in methods:
        yield Finding(OK, "PKCE", "the issuer supports S256")
    else:
        remedy = "Make sure that the issuer checks code_verifier with S256 (RFC 7636)."
        status = WARNING if methods is None else FAILED
        yield Finding(status, "PKCE", "the metadata do not say that the issuer supports S256", remedy)
    audience = " and ".join(f"{name}={value}" for name, value in client.audience.items()) or "no audience"
    remedy = f"There, register exactly this redirect URI: {client.redirect_uri}"
    yield Finding(OK, "web client", f"{client.client_id}, which requests {audience}", remedy)


def _judge_keys(document: Document, policy: TokenPolicy) -> Iterator[Finding]:
    results = read_usable_keys(document.members, policy.algorithms)
    for number, result in enumerate(results):
        yield _judge_key(document.members["keys"][number], result)
    if not any(isinstance(result, UsableKey) for result in results):
        remedy = "Set OAUTH_JWKS_URL to a JWK Set, and OAUTH_ALGORITHMS to what the issuer signs with."
        yield Finding(FAILED, "keys", "the API can use none of them", remedy)
    yield Finding(
        OK, "cache", f"the API refreshes the keys after {describe_duration(document.fresh_seconds)}"
    )


def _judge_key(jwk: object, result: UsableKey | str) -> Finding:
    members = jwk if isinstance(jwk, dict) else {}
    subject = f"key {quote(members.get('kid'))}"
    shown = ", ".join(f"{name} {quote(members[name])}" for name in ("kty", "crv", "use") if name in members)
    if isinstance(result, str):
        text = f"{shown}: the API does not use it, because it {result}"
        return Finding(WARNING, subject, text, "This matters only if tokens are signed with it.")
    algorithms = ", ".join(result.by_algorithm)
    # Ed25519 has one size, so its keys do not say it.
    bits = getattr(next(iter(result.by_algorithm.values())).key, "key_size", 256)
    return Finding(OK, subject, f"{shown}, {bits} bits: the API uses it for {algorithms}")


def _judge_clock(document: Document | None, leeway_seconds: float) -> Finding:
    headers = document.headers if document else Message()
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
        # A response from a cache says how old it is (RFC 9111 section 5.1).
        ahead = time.time() - date.timestamp() - int(headers.get("Age", 0))
    except (ValueError, TypeError, OverflowError):
        text = "the issuer sends no time to compare our clock with"
        return Finding(WARNING, "clock", text, "Make sure that NTP sets the clock of this machine.")
    if abs(ahead) < _CLOCK_PRECISION_SECONDS:
        return Finding(OK, "clock", "our clock agrees with the issuer's")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"our clock is {describe_duration(ahead)} {side} the issuer's, and tokens may differ by"
    text = f"{text} {describe_duration(leeway_seconds)}"
    remedy = "Set the clock of this machine with NTP: timedatectl shows whether NTP is active."
    return Finding(FAILED if abs(ahead) > leeway_seconds else WARNING, "clock", text, remedy)
