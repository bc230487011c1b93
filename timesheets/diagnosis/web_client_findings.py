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
