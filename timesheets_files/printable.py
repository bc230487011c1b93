"""Make text from a file safe to quote in a message."""


def put_on_one_line(text: str) -> str:
    """`text` with a space for each character that is not printable."""
    return "".join(each if each.isprintable() else " " for each in text)


def quote(text: str) -> str:
    """`text` in quotes, cut after 64 characters."""
    return repr(text if len(text) <= 64 else f"{text[:64]} [...]")
