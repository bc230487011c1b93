"""The maps that come with the client."""

from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "maps"


def find_shipped_map(name: str) -> Path | None:
    """The file of the map with this name, such as `toggl`, if there is one."""
    return next((path for path in FOLDER.glob("*.toml") if path.stem == name), None)


def list_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def describe_maps() -> Iterator[str]:
    """A line for each map: its name, and which export it reads, as its first line says."""
    width = max(map(len, list_names()))
    for name in list_names():
        title = (FOLDER / f"{name}.toml").read_text(encoding="utf-8").partition("\n")[0]
        yield f"{name:<{width}}  {title.removeprefix('# ')}"
