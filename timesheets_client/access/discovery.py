"""Find an issuer's token endpoint in the metadata that it publishes."""

from collections.abc import Callable
from urllib.parse import urlsplit

from timesheets_client.errors import ConfigurationError, TemporaryFailure
from timesheets_client.network.addresses import find_fault
from timesheets_client.network.messages import Answer, make_printable

INSTEAD = "check OAUTH_ISSUER, or set OAUTH_TOKEN_URL"


def list_metadata_addresses(issuer: str) -> tuple[str, str]:
    """Where OpenID Connect Discovery (section 4.1) and where RFC 8414 (section 3.1) put them."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
    )


def discover_token_endpoint(issuer: str, fetch: Callable[[str], Answer]) -> str:
    """The token endpoint, byte for byte as the metadata write it.

    `fetch` gets an address; what it raises passes. Raises ConfigurationError if the metadata are nowhere,
    another issuer's (RFC 8414 section 3.3), or name no endpoint that a secret may be sent to.
    """
    addresses = list_metadata_addresses(issuer)
    for address in addresses:
        answer = fetch(address)
        if answer.is_temporary_failure:
            raise TemporaryFailure(f"{address}: {answer.status}; run it again later.")
        if answer.status == 200 and answer.document is not None:
            return read_token_endpoint(answer, issuer)
    raise ConfigurationError(f"{issuer}: publishes no metadata at {' or '.join(addresses)}; {INSTEAD}")


def read_token_endpoint(answer: Answer, issuer: str) -> str:
    members = answer.document or {}
    named = answer.quote("issuer")
    if members.get("issuer") != issuer:
        raise ConfigurationError(
            f"{answer.url}: is not of {issuer} but of {named or 'nobody'}; set OAUTH_ISSUER to exactly that "
            "if you trust it, a slash at its end included"
        )
    endpoint = members.get("token_endpoint")
    if not isinstance(endpoint, str):
        raise ConfigurationError(f"{answer.url}: names no token_endpoint; {INSTEAD}")
    fault = find_fault(endpoint)
    if fault:
        raise ConfigurationError(
            f"{answer.url}: token_endpoint: {make_printable(endpoint)}: {fault}; {INSTEAD}"
        )
    return endpoint
