"""Find an issuer's token endpoint in the metadata that it publishes."""

from collections.abc import Callable
from urllib.parse import urlsplit

from timesheets_client.errors import ConfigurationError, TemporaryFailure
from timesheets_client.network.addresses import find_fault
from timesheets_client.network.messages import Answer, make_printable

CHECK_ISSUER = "check OAUTH_ISSUER, or set OAUTH_TOKEN_URL"


def list_metadata_urls(issuer: str) -> tuple[str, str]:
    """The URLs that OpenID Connect Discovery (section 4.1) and RFC 8414 (section 3.1) define."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
    )


def discover_token_endpoint(issuer: str, fetch: Callable[[str], Answer]) -> str:
    """The token endpoint, byte for byte as in the metadata.

    Raises what `fetch` raises, TemporaryFailure if the issuer is busy, and ConfigurationError if no usable
    metadata are found: they must name this issuer (RFC 8414 section 3.3) and a safe token endpoint.
    """
    urls = list_metadata_urls(issuer)
    for url in urls:
        answer = fetch(url)
        if answer.is_temporary_failure:
            raise TemporaryFailure(f"{url}: {answer.status}; run it again later.")
        if answer.status == 200 and answer.document is not None:
            return read_token_endpoint(answer, issuer)
    raise ConfigurationError(f"{issuer}: publishes no metadata at {' or '.join(urls)}; {CHECK_ISSUER}")


def read_token_endpoint(answer: Answer, issuer: str) -> str:
    metadata = answer.document or {}
    if metadata.get("issuer") != issuer:
        found = answer.quote("issuer") or "no issuer"
        raise ConfigurationError(
            f"{answer.url}: names {found}, not {issuer}; if you trust it, set OAUTH_ISSUER to exactly "
            "that text, including a slash at its end"
        )
    endpoint = metadata.get("token_endpoint")
    if not isinstance(endpoint, str):
        raise ConfigurationError(f"{answer.url}: has no token_endpoint; {CHECK_ISSUER}")
    fault = find_fault(endpoint)
    if fault:
        shown = make_printable(endpoint)
        raise ConfigurationError(f"{answer.url}: token_endpoint: {shown}: {fault}; {CHECK_ISSUER}")
    return endpoint
