"""Which token is in what a person pasted."""

import pytest

from timesheets.trust.unverified_tokens import unwrap_token


@pytest.mark.parametrize(
    "pasted",
    [
        *(
            "a.b.c\n",
            "\ufeffa.b.c\r\n",
            "  a.b.c\n\n",
            "Bearer a.b.c",
            "authorization:bearer a.b.c",
            '"a.b.c"',
        ),
        *("'Authorization: Bearer a.b.c'", 'Bearer "a.b.c"', '{"access_token": "a.b.c", "expires_in": 1}'),
    ],
)
def test_text_around_a_token_is_ignored(pasted: str) -> None:
    assert unwrap_token(pasted) == "a.b.c"


@pytest.mark.parametrize("pasted", ["", " \n", "Bearer \n", '""', "Authorization: ", '{"access_token": ""}'])
def test_there_may_be_no_token(pasted: str) -> None:
    assert unwrap_token(pasted) == ""
