"""Judge the issuer's keys as the API would use them. Knows no web framework."""

from collections.abc import Iterator, Mapping
from typing import Any

from timesheets.diagnosis.issuer_answers import Finding, Verdict, judge_answer
from timesheets.diagnosis.issuer_probes import Probe
from timesheets.diagnosis.plain_words import describe_duration, quote
from timesheets.trust.issuer_documents import Document
from timesheets.trust.jwk_sets import KeyUnusable, UsableKey, read_usable_keys
from timesheets.trust.jwks import choose_time_to_live
from timesheets.trust.token_rules import TokenPolicy

_OTHER_ADDRESS = 'Set OAUTH_JWKS_URL to the address of its JWK Set, an object with a list under "keys".'
_OTHER_ALGORITHM = "Let the issuer sign with one of OAUTH_ALGORITHMS, or name there what it signs with."


def judge_keys(answer: Probe, policy: TokenPolicy) -> Iterator[Finding]:
    """What was found of the answer, of each key in it, and of how long they keep."""
    yield judge_answer("keys", answer)
    if answer.document is None:
        return
    findings = list(_judge_set(answer.document, policy))
    yield from findings
    if all(finding.verdict is Verdict.WARNING for finding in findings):
        text = "the API can use none of them"
        yield Finding(verdict=Verdict.FAILED, subject="keys", text=text, remedy=_OTHER_ALGORITHM)
    yield _judge_cache(answer.document)


def _judge_set(document: Document, policy: TokenPolicy) -> Iterator[Finding]:
    try:
        results = read_usable_keys(document.members, policy.algorithms)
    except KeyUnusable as reason:
        text = f"the JWK Set {reason}"
        yield Finding(verdict=Verdict.FAILED, subject="keys", text=text, remedy=_OTHER_ADDRESS)
        return
    for jwk, result in zip(document.members["keys"], results, strict=True):
        yield _judge_key(jwk if isinstance(jwk, dict) else {}, result)


def _judge_key(jwk: Mapping[str, Any], result: UsableKey | KeyUnusable) -> Finding:
    subject = f"key {quote(jwk['kid'])}" if "kid" in jwk else "key without kid"
    use = f"use {quote(jwk['use'])}" if "use" in jwk else "no use named"
    if isinstance(result, UsableKey):
        text = f"{result.description}, {use}: the API takes it for {', '.join(result.by_algorithm)}"
        return Finding(verdict=Verdict.OK, subject=subject, text=text)
    return Finding(
        verdict=Verdict.WARNING,
        subject=subject,
        text=f"{_describe_kind(jwk)}, {use}: the API does not use it, since it {result}",
        remedy="Nothing is to be done unless tokens are signed with it.",
    )


def _describe_kind(jwk: Mapping[str, Any]) -> str:
    modulus = jwk.get("n")
    if jwk.get("kty") == "RSA" and isinstance(modulus, str):
        # Four characters of base64url are three bytes.
        return f"RSA {len(modulus) * 3 // 4 * 8} bits"
    return " ".join(quote(jwk[name]) for name in ("kty", "crv") if name in jwk) or "no kind named"


def _judge_cache(document: Document) -> Finding:
    max_age = document.max_age_seconds
    said = "says nothing of" if max_age is None else f"says max-age={max_age} for"
    time_to_live = describe_duration(choose_time_to_live(max_age))
    text = f"the issuer {said} its keys: the API fetches them anew after {time_to_live}"
    return Finding(verdict=Verdict.OK, subject="cache", text=text)
