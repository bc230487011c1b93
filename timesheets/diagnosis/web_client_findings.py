"""Judge whether people can sign in at an issuer, by its metadata. Knows no web framework."""

from collections.abc import Iterator, Mapping
from typing import Any

from timesheets.diagnosis.issuer_probes import FAILED, OK, WARNING, Finding
from timesheets.diagnosis.wording import make_printable
from timesheets.trust.issuer_documents import DocumentUnavailable
from timesheets.trust.issuers import read_endpoint
from timesheets.trust.sign_ins import WebClient


def judge_web_client(client: WebClient, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("authorization_endpoint", "token_endpoint"):
        try:
            yield Finding(OK, name, make_printable(read_endpoint(metadata, name)))
        except DocumentUnavailable as failure:
            remedy = "People can sign in only at an issuer with OpenID Connect Discovery."
            yield Finding(FAILED, name, str(failure), remedy)
    yield _judge_pkce(metadata.get("code_challenge_methods_supported"))
    audience = " and ".join(f"{name}={value}" for name, value in client.audience.items()) or "no audience"
    remedy = f"There, register exactly this redirect URI: {client.redirect_uri}"
    yield Finding(OK, "web client", f"{client.client_id}, which requests {audience}", remedy)


def _judge_pkce(methods: object) -> Finding:
    if isinstance(methods, list) and "S256" in methods:
        return Finding(OK, "PKCE", "the issuer supports S256")
    if methods is None:
        remedy = "Make sure that the issuer checks code_verifier: RFC 7636."
        return Finding(WARNING, "PKCE", "the metadata do not say whether the issuer supports S256", remedy)
    return Finding(FAILED, "PKCE", "the issuer does not support S256", "Turn it on at the issuer.")
