"""Judge an issuer as the API would use it: addresses, name, keys, clock. Knows no web framework."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from timesheets.diagnosis.issuer_answers import Finding, Verdict, judge_answer
from timesheets.diagnosis.issuer_probes import Probe, find_jwks_url, probe, probe_metadata, start_deadline
from timesheets.diagnosis.key_findings import judge_keys
from timesheets.diagnosis.plain_words import describe_clock, describe_duration, describe_near_miss, quote
from timesheets.trust.issuer_documents import Document, is_trustworthy
from timesheets.trust.issuers import Issuer
from timesheets.trust.token_rules import TokenPolicy


def examine_issuer(issuer: Issuer, policy: TokenPolicy) -> Iterator[Finding]:
    """What the API needs of the issuer, in the order in which it needs it, each as soon as it is known."""
    yield _judge_address(issuer)
    deadline = start_deadline()
    metadata = probe_metadata(issuer, deadline)
    yield from _judge_metadata(issuer, metadata)
    answers = list(metadata)
    jwks_url = find_jwks_url(issuer, metadata)
    if jwks_url:
        # Where the API needs the metadata, it fetches both within one deadline.
        answers.append(probe(jwks_url, issuer, start_deadline() if issuer.jwks_url else deadline))
        yield from judge_keys(answers[-1], policy)
    yield _judge_clock(answers, policy)


def _judge_address(issuer: Issuer) -> Finding:
    if is_trustworthy(issuer.url):
        return Finding(verdict=Verdict.OK, subject="issuer", text=issuer.url)
    return Finding(
        verdict=Verdict.FAILED,
        subject="issuer",
        text=f"{issuer.url} is not an https address",
        remedy="Use https in OAUTH_ISSUER; http serves on loopback only.",
    )


def _judge_metadata(issuer: Issuer, metadata: Sequence[Probe]) -> Iterator[Finding]:
    document = metadata[-1].document
    if document is None:
        for answer in metadata:
            yield _judge_missing_metadata(issuer, answer)
        return
    yield judge_answer("discovery", metadata[-1])
    yield _judge_name(issuer, document)
    yield from _judge_jwks_uri(issuer, document)


def _judge_missing_metadata(issuer: Issuer, answer: Probe) -> Finding:
    finding = judge_answer("discovery", answer)
    if not issuer.jwks_url:
        return finding
    remedy = f"The API can do without, since it is told where the keys are. {finding.remedy}"
    return replace(finding, verdict=Verdict.WARNING, remedy=remedy)


def _judge_name(issuer: Issuer, document: Document) -> Finding:
    """OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3: it is the same as in tokens."""
    name = document.members.get("issuer")
    if name == issuer.url:
        return Finding(verdict=Verdict.OK, subject="name", text="the issuer calls itself by that address")
    difference = describe_near_miss(name, issuer.url) or "it is another one than the API trusts"
    return Finding(
        verdict=Verdict.FAILED,
        subject="name",
        text=f"the issuer calls itself {quote(name)}, and so do its tokens: {difference}",
        remedy="Set OAUTH_ISSUER to just that, if it is the issuer you trust: each byte counts.",
    )


def _judge_jwks_uri(issuer: Issuer, document: Document) -> Iterator[Finding]:
    uri = document.members.get("jwks_uri")
    if issuer.jwks_url and uri != issuer.jwks_url:
        yield Finding(
            verdict=Verdict.WARNING,
            subject="jwks_uri",
            text=f"the metadata say {quote(uri)}, but the API asks {issuer.jwks_url}",
            remedy="Unset OAUTH_JWKS_URL, and the API follows the metadata, unless you know why it must not.",
        )
    if not issuer.jwks_url and not isinstance(uri, str):
        yield Finding(
            verdict=Verdict.FAILED,
            subject="jwks_uri",
            text="the metadata do not say where the keys are",
            remedy="Set OAUTH_JWKS_URL to the address of the issuer's JWK Set.",
        )


def _judge_clock(answers: Sequence[Probe], policy: TokenPolicy) -> Finding:
    readings = [reading for answer in answers if (reading := answer.measure_clock()) is not None]
    # The last answer is the freshest.
    ahead = readings[-1] if readings else None
    text = describe_clock(ahead)
    if ahead is None:
        remedy = "See that NTP sets the clock of this machine."
        return Finding(verdict=Verdict.WARNING, subject="clock", text=text, remedy=remedy)
    leeway = policy.leeway_seconds
    if abs(ahead) <= leeway / 2:
        return Finding(verdict=Verdict.OK, subject="clock", text=text)
    return Finding(
        verdict=Verdict.FAILED if abs(ahead) > leeway else Verdict.WARNING,
        subject="clock",
        text=f"{text}, and OAUTH_LEEWAY_SECONDS forgives {describe_duration(leeway)}",
        remedy="Let NTP set the clock of this machine: timedatectl shows whether it does.",
    )
