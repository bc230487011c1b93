"""Compare names of columns."""

import unicodedata


def normalize(name: str) -> str:
    """A name of a column, to be compared: without case, and with one space for each white space."""
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())
