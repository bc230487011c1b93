"""What a person sees on a page of the API."""

import re
from collections.abc import Callable
from html import unescape

from tests.kit.django_client import ClientResponse

Open = Callable[..., ClientResponse]
Store = Callable[..., list[int]]

# A right-to-left override shows the text that follows it backwards.
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
SCRIPT = '<script>alert("007")</script>'


def read_text(html: str) -> str:
    """The text of HTML, in which each run of white space is a blank."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


def read_page(response: ClientResponse) -> str:
    return read_text(response.content.decode())


def list_links(response: ClientResponse) -> list[str]:
    return [unescape(link) for link in re.findall('href="([^"]*)"', response.content.decode())]
