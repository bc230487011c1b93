"""The maps that come with the client, found by the columns that they name."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "maps"


def normalize(name: str) -> str:
    """A name of a column, to be compared: without case, and with one space for each white space."""
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


def list_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def describe_maps() -> Iterator[str]:
    """A line for each map: its name, and which export it reads, as its first line says."""
    width = max(map(len, list_names()))
    for name in list_names():
        yield f"{name:<{width}}  {read_text(name).partition('# ')[2].splitlines()[0]}"


def suggest_map(header: Sequence[str]) -> str:
    """Return a hint to the map whose columns this header has, or an empty text."""
    names = set(map(normalize, header))
    found = {name: columns for name in list_names() if (columns := find_columns(read_text(name))) <= names}
    if not found:
        return ""
    name = max(found, key=lambda each: len(found[each]))
    title = read_text(name).removeprefix("# ").partition(":")[0]
    return f"this looks like a {title} export: --map {name}"


def find_columns(text: str) -> set[str]:
    sources = re.findall(r'^(column|template) = "(.*)"$', text, re.MULTILINE)
    columns = [[text] if key == "column" else re.findall(r"\{(.*?)\}", text) for key, text in sources]
    return {normalize(column) for each in columns for column in each}


def read_text(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
