"""Which token is in what a person pasted."""

import pytest

from timesheets.browser.pasted_tokens import unwrap_token

HEADER = '"Authorization: Bearer"'


@pytest.mark.parametrize(
    ("pasted", "ignored"),
    [
        *((pasted, []) for pasted in ("a.b.c\n", "a.b.c\r\n", "\ufeffa.b.c\r\n")),
        ("  a.b.c\n\n", ["white space"]),
        *((pasted, [HEADER]) for pasted in ("Bearer a.b.c", "authorization:bearer a.b.c")),
        ('"a.b.c"', ["quotes"]),
        *((pasted, ["quotes", HEADER]) for pasted in ("'Authorization: Bearer a.b.c'", 'Bearer "a.b.c"')),
    ],
)
def test_text_around_a_token_is_ignored_with_a_note(pasted: str, ignored: list[str]) -> None:
    assert unwrap_token(pasted) == ("a.b.c", [f"ignored {part} around the token" for part in ignored])


def test_the_token_is_taken_from_the_issuers_response() -> None:
    assert unwrap_token('{"access_token": "a.b.c", "expires_in": 1}') == (
        "a.b.c",
        ["used only access_token of the issuer's response"],
    )


@pytest.mark.parametrize("pasted", ["", " \n", "Bearer \n", '""', "Authorization: ", '{"access_token": ""}'])
def test_there_may_be_no_token(pasted: str) -> None:
    assert unwrap_token(pasted)[0] == ""
