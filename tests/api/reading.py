"""Entries to read back, and what the tests read from lists of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tests.kit.django_client import ClientResponse

PUBLIC_URL = "https://timesheets.example.com"
RECEIVED_AT = datetime(2017, 5, 12, 6, 0, tzinfo=UTC)

Read = Callable[..., ClientResponse]


def list_ids(response: ClientResponse) -> list[int]:
    assert response.status_code == 200, response.content
    return [timesheet["id"] for timesheet in response.json()["results"]]


def localize(url: str) -> str:
    """The path and query of a URL of the API."""
    assert url.startswith(f"{PUBLIC_URL}/")
    return url.removeprefix(PUBLIC_URL)


def follow(read: Read, path: str) -> Iterator[ClientResponse]:
    """The page at `path`, and all pages after it."""
    while True:
        response = read(path)
        yield response
        following = response.json()["next"]
        if following is None:
            return
        path = localize(following)
