"""Make text from elsewhere safe to print: it can neither control a terminal nor forge a line."""


def put_on_one_line(text: str) -> str:
    """`text` with a space for each character that is not printable."""
    return "".join(each if each.isprintable() else " " for each in text)


def quote(text: str) -> str:
    """`text` in quotes, cut after 64 characters."""
    return repr(text if len(text) <= 64 else f"{text[:64]} [...]")


def escape(text: str) -> str:
    """`text` with an escape such as `\\x1b` for each character that is not printable."""
    return "".join(each if each.isprintable() else escape_character(each) for each in text)


def escape_character(character: str) -> str:
    # In a file name, Python turns each byte that is not UTF-8 into a surrogate.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def escape_bytes(file_name: str) -> str:
    """Escape only surrogates, such as bytes that are not UTF-8, because a strict JSON parser refuses them."""
    return "".join(escape_character(each) if "\ud800" <= each <= "\udfff" else each for each in file_name)
