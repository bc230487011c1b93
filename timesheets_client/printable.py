"""Show text from elsewhere without characters that could command a terminal or forge a line."""


def escape(text: str) -> str:
    """`text` with an escape such as `\\x1b` in place of each character that is not printable."""
    return "".join(each if each.isprintable() else escape_character(each) for each in text)


def escape_character(character: str) -> str:
    # Python makes surrogates of the bytes of a file name that are not UTF-8.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def escape_lines(text: str) -> str:
    """The same, but newlines stay."""
    return "\n".join(map(escape, text.split("\n")))


def put_on_one_line(text: str) -> str:
    """`text` with a space for each character that is not printable."""
    return "".join(each if each.isprintable() else " " for each in text)


def quote(text: str) -> str:
    """`text` in quotes, cut after 64 characters."""
    return repr(text if len(text) <= 64 else f"{text[:64]} [...]")


def escape_bytes(file_name: str) -> str:
    """The same only for bytes that are not UTF-8, which no strict parser of JSON would take."""
    return file_name.encode(errors="surrogateescape").decode(errors="backslashreplace")
