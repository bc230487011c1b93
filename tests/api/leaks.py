"""Find parts of a token in what the API logs and responds."""

import re
import traceback

import pytest

from tests.kit.django_client import ClientResponse


def format_records(log: pytest.LogCaptureFixture) -> str:
    """All text of the records: messages, arguments, tracebacks and extra attributes.

    Django also attaches the request, which has the token. It is left out.
    """
    written = []
    for record in log.records:
        added = {name: value for name, value in vars(record).items() if name != "request"}
        written += [record.getMessage(), repr(added)]
        if record.exc_info:
            written += traceback.format_exception(record.exc_info[1])
    return "\n".join(written)


def format_response(response: ClientResponse) -> str:
    return f"{response.headers}\n{response.content.decode()}"


def find_leaks(token: str, text: str) -> list[str]:
    """The parts of the token that occur in the text. Parts under 8 characters may occur by chance."""
    return [part for part in re.split(r"[.=]", token) if len(part) >= 8 and part in text]
