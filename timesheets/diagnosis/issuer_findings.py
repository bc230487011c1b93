"""Judge whether the API can use an issuer: its address, name, keys and clock. Knows no web framework."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from timesheets.diagnosis.issuer_probes import FAILED, OK, WARNING, Finding, Probe, probe
from timesheets.diagnosis.wording import describe_duration, describe_near_miss, make_printable, quote
from timesheets.trust.issuer_documents import Document, DocumentUnavailable
from timesheets.trust.issuers import DEADLINE_SECONDS, Issuer, WebClient, find_metadata_urls, read_endpoint
from timesheets.trust.jwk_sets import KeyUnusable, UsableKey, read_usable_keys
from timesheets.trust.jwks import choose_time_to_live
from timesheets.trust.token_rules import TokenPolicy


def examine_issuer(
    issuer: Issuer, policy: TokenPolicy, web_client: WebClient | None = None
) -> Iterator[Finding]:
    """Yield a finding for each thing that the API needs of the issuer, in that order."""
    yield Finding(OK, "issuer", issuer.url)
    deadline = time.monotonic() + DEADLINE_SECONDS
    probes = _probe_metadata(issuer, deadline)
    metadata = probes[-1].document
    if metadata:
        yield probes[-1].finding
        yield from _judge_metadata(issuer, metadata.members)
        if web_client:
            yield from _judge_web_client(web_client, metadata.members)
    else:
        is_needed = bool(web_client) or not issuer.jwks_url
        yield from (failed.finding if is_needed else _downgrade(failed.finding) for failed in probes)
    jwks_url = issuer.jwks_url
    if not jwks_url and metadata and metadata.members.get("issuer") == issuer.url:
        jwks_url = metadata.members.get("jwks_uri")
    if isinstance(jwks_url, str):
        # The API fetches the metadata and the keys within one deadline.
        keys_deadline = time.monotonic() + DEADLINE_SECONDS if issuer.jwks_url else deadline
        probes.append(probe("keys", jwks_url, issuer, keys_deadline))
        yield probes[-1].finding
        if probes[-1].document:
            yield from _judge_keys(probes[-1].document, policy)
    yield _judge_clock(probes, policy.leeway_seconds)


def _probe_metadata(issuer: Issuer, deadline: float) -> list[Probe]:
    """The requests for the issuer's metadata, up to the first that succeeds."""
    probes = []
    for url in find_metadata_urls(issuer.url):
        probes.append(probe("discovery", url, issuer, deadline))
        if probes[-1].document:
            break
    return probes


def _downgrade(finding: Finding) -> Finding:
    remedy = f"The API does not need it, because it knows where the keys are. {finding.remedy}"
    return replace(finding, status=WARNING, remedy=remedy)


def _judge_metadata(issuer: Issuer, members: Mapping[str, Any]) -> Iterator[Finding]:
    # OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3: it equals `iss` in tokens.
    name, uri = members.get("issuer"), members.get("jwks_uri")
    if name == issuer.url:
        yield Finding(OK, "name", "the metadata name this issuer")
    else:
        difference = describe_near_miss(name, issuer.url) or "the API trusts another one"
        text = f"the metadata name the issuer {quote(name)}, as its tokens do: {difference}"
        remedy = "Set OAUTH_ISSUER to exactly this name if you trust that issuer: every byte counts."
        yield Finding(FAILED, "name", text, remedy)
    if issuer.jwks_url and uri != issuer.jwks_url:
        text = f"the metadata say {quote(uri)}, but the API uses {issuer.jwks_url}"
        remedy = "Set OAUTH_JWKS_URL to the address in the metadata, unless you chose the other on purpose."
        yield Finding(WARNING, "jwks_uri", text, remedy)
    if not issuer.jwks_url and not isinstance(uri, str):
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
    try:
        results = read_usable_keys(document.members, policy.algorithms)
    except KeyUnusable as reason:
        remedy = 'Set OAUTH_JWKS_URL to the URL of the JWK Set, an object whose "keys" is a list.'
        yield Finding(FAILED, "keys", f"the JWK Set {reason}", remedy)
        return
    for jwk, result in zip(document.members["keys"], results, strict=True):
        yield _judge_key(jwk if isinstance(jwk, dict) else {}, result)
    if not any(isinstance(result, UsableKey) for result in results):
        remedy = "Have the issuer sign with one of OAUTH_ALGORITHMS, or add the issuer's algorithm there."
        yield Finding(FAILED, "keys", "the API can use none of them", remedy)
    max_age = document.max_age_seconds
    sent = "no max-age" if max_age is None else f"max-age={max_age}"
    lifetime = describe_duration(choose_time_to_live(max_age))
    text = f"the issuer sends {sent} with its keys: the API refreshes them after {lifetime}"
    yield Finding(OK, "cache", text)


def _judge_key(jwk: Mapping[str, Any], result: UsableKey | KeyUnusable) -> Finding:
    subject = f"key {quote(jwk['kid'])}" if "kid" in jwk else "key without kid"
    use = f"use {quote(jwk['use'])}" if "use" in jwk else "no use"
    if isinstance(result, UsableKey):
        algorithms = ", ".join(result.by_algorithm)
        return Finding(OK, subject, f"{result.description}, {use}: the API uses it for {algorithms}")
    kind = " ".join(quote(jwk[name]) for name in ("kty", "crv") if name in jwk) or "no kty"
    text = f"{kind}, {use}: the API does not use it, because it {result}"
    return Finding(WARNING, subject, text, "This matters only if tokens are signed with it.")


def _judge_clock(probes: Sequence[Probe], leeway_seconds: float) -> Finding:
    # The last answer is the freshest.
    readings = (probe.ahead_seconds for probe in reversed(probes))
    ahead = next((reading for reading in readings if reading is not None), None)
    if ahead is None:
        text = "the issuer sends no time to compare our clock with"
        return Finding(WARNING, "clock", text, "Make sure that NTP sets the clock of this machine.")
    # A `Date` header has whole seconds.
    if abs(ahead) < 1:
        return Finding(OK, "clock", "our clock agrees with the issuer's")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"our clock is {describe_duration(ahead)} {side} the issuer's"
    if abs(ahead) <= leeway_seconds / 2:
        return Finding(OK, "clock", text)
    text = f"{text}, and OAUTH_LEEWAY_SECONDS allows {describe_duration(leeway_seconds)}"
    remedy = "Set the clock of this machine with NTP: timedatectl shows whether NTP is active."
    return Finding(FAILED if abs(ahead) > leeway_seconds else WARNING, "clock", text, remedy)
