"""Judge whether the API can use an issuer: its address, name, keys and clock. Knows no web framework."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from timesheets.diagnosis.issuer_probes import (
    Probe,
    find_jwks_url,
    find_remedy,
    probe,
    probe_metadata,
    start_deadline,
)
from timesheets.diagnosis.wording import (
    describe_clock,
    describe_duration,
    describe_near_miss,
    make_printable,
    quote,
)
from timesheets.trust.issuer_documents import Document
from timesheets.trust.issuers import Issuer
from timesheets.trust.jwk_sets import KeyUnusable, UsableKey, read_usable_keys
from timesheets.trust.jwks import choose_time_to_live
from timesheets.trust.token_rules import TokenPolicy


class FindingStatus(enum.StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"


OK, WARNING, FAILED = FindingStatus


@dataclass(frozen=True)
class Finding:
    status: FindingStatus
    subject: str
    text: str
    remedy: str = ""
    # True if it may succeed later without a change.
    is_temporary: bool = False


def examine_issuer(issuer: Issuer, policy: TokenPolicy) -> Iterator[Finding]:
    """What the API needs of the issuer, in the order in which it needs it, each as soon as it is known."""
    yield Finding(OK, "issuer", issuer.url)
    deadline = start_deadline()
    metadata = probe_metadata(issuer, deadline)
    yield from _judge_metadata(issuer, metadata)
    answers = list(metadata)
    jwks_url = find_jwks_url(issuer, metadata)
    if jwks_url:
        # The API fetches the metadata and the keys within one deadline.
        answers.append(probe(jwks_url, issuer, start_deadline() if issuer.jwks_url else deadline))
        yield from judge_keys(answers[-1], policy)
    yield _judge_clock(answers, policy.leeway_seconds)


def _judge_metadata(issuer: Issuer, metadata: Sequence[Probe]) -> Iterator[Finding]:
    document = metadata[-1].document
    if document:
        yield _judge_answer("discovery", metadata[-1])
        yield _judge_name(issuer, document.members.get("issuer"))
        yield from _judge_jwks_uri(issuer, document.members.get("jwks_uri"))
        return
    for finding in (_judge_answer("discovery", answer) for answer in metadata):
        if issuer.jwks_url:
            remedy = f"The API does not need it, since OAUTH_JWKS_URL is set. {finding.remedy}"
            yield replace(finding, status=WARNING, remedy=remedy)
        else:
            yield finding


def _judge_answer(subject: str, answer: Probe) -> Finding:
    if isinstance(answer.outcome, Document):
        return Finding(OK, subject, f"{make_printable(answer.url)} in {answer.milliseconds} ms")
    remedy, is_temporary = find_remedy(answer.url, answer.outcome)
    # Text and remedy may name a URL from the issuer's metadata.
    text = f"{make_printable(str(answer.outcome))}, after {answer.milliseconds} ms"
    return Finding(FAILED, subject, text, make_printable(remedy), is_temporary)


def _judge_name(issuer: Issuer, name: object) -> Finding:
    """OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3: it equals `iss` in tokens."""
    if name == issuer.url:
        return Finding(OK, "name", "the metadata name this issuer")
    difference = describe_near_miss(name, issuer.url) or "the API trusts another one"
    text = f"the metadata name the issuer {quote(name)}, as its tokens do: {difference}"
    remedy = "Set OAUTH_ISSUER to exactly this name if you trust that issuer: every byte counts."
    return Finding(FAILED, "name", text, remedy)


def _judge_jwks_uri(issuer: Issuer, uri: object) -> Iterator[Finding]:
    if issuer.jwks_url and uri != issuer.jwks_url:
        text = f"the metadata say {quote(uri)}, but the API uses {issuer.jwks_url}"
        remedy = "Unset OAUTH_JWKS_URL to follow the metadata, unless you set it on purpose."
        yield Finding(WARNING, "jwks_uri", text, remedy)
    if not issuer.jwks_url and not isinstance(uri, str):
        remedy = "Set OAUTH_JWKS_URL to the URL of the issuer's JWK Set."
        yield Finding(FAILED, "jwks_uri", "the metadata do not say where the keys are", remedy)


def judge_keys(answer: Probe, policy: TokenPolicy) -> Iterator[Finding]:
    yield _judge_answer("keys", answer)
    if answer.document is None:
        return
    findings = list(_judge_key_set(answer.document, policy))
    yield from findings
    if all(finding.status is WARNING for finding in findings):
        remedy = "Have the issuer sign with one of OAUTH_ALGORITHMS, or add the issuer's algorithm there."
        yield Finding(FAILED, "keys", "the API can use none of them", remedy)
    max_age = answer.document.max_age_seconds
    sent = "no max-age" if max_age is None else f"max-age={max_age}"
    lifetime = describe_duration(choose_time_to_live(max_age))
    text = f"the issuer sends {sent} with its keys: the API refreshes them after {lifetime}"
    yield Finding(OK, "cache", text)


def _judge_key_set(document: Document, policy: TokenPolicy) -> Iterator[Finding]:
    try:
        results = read_usable_keys(document.members, policy.algorithms)
    except KeyUnusable as reason:
        remedy = 'Set OAUTH_JWKS_URL to the URL of the JWK Set, an object whose "keys" is a list.'
        yield Finding(FAILED, "keys", f"the JWK Set {reason}", remedy)
        return
    for jwk, result in zip(document.members["keys"], results, strict=True):
        yield _judge_key(jwk if isinstance(jwk, dict) else {}, result)


def _judge_key(jwk: Mapping[str, Any], result: UsableKey | KeyUnusable) -> Finding:
    subject = f"key {quote(jwk['kid'])}" if "kid" in jwk else "key without kid"
    use = f"use {quote(jwk['use'])}" if "use" in jwk else "no use"
    if isinstance(result, UsableKey):
        algorithms = ", ".join(result.by_algorithm)
        return Finding(OK, subject, f"{result.description}, {use}: the API uses it for {algorithms}")
    kind = " ".join(quote(jwk[name]) for name in ("kty", "crv") if name in jwk) or "no kty"
    text = f"{kind}, {use}: the API does not use it, because it {result}"
    return Finding(WARNING, subject, text, "This matters only if tokens are signed with it.")


def _judge_clock(answers: Sequence[Probe], leeway_seconds: float) -> Finding:
    # The last answer is the freshest.
    readings = (answer.measure_clock() for answer in reversed(answers))
    ahead = next((reading for reading in readings if reading is not None), None)
    text = describe_clock(ahead)
    if ahead is None:
        return Finding(WARNING, "clock", text, "Make sure that NTP sets the clock of this machine.")
    if abs(ahead) <= leeway_seconds / 2:
        return Finding(OK, "clock", text)
    text = f"{text}, and OAUTH_LEEWAY_SECONDS allows {describe_duration(leeway_seconds)}"
    remedy = "Set the clock of this machine with NTP: timedatectl shows whether NTP is active."
    return Finding(FAILED if abs(ahead) > leeway_seconds else WARNING, "clock", text, remedy)
