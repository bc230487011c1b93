"""Pack the client and the reader that it shares with the API, from a checkout or from an sdist."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("timesheets_client", "timesheets_files")
OF_THE_BUILD = ("hatch_build.py", "pyproject.toml")


class Packages(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # In an sdist, both packages are next to pyproject.toml.
        root = Path(self.root)
        parent = root if (root / PACKAGES[0]).is_dir() else root.parent
        for path in (path for package in PACKAGES for path in (parent / package).rglob("*")):
            if path.suffix in (".py", ".toml") and path.name not in OF_THE_BUILD:
                build_data["force_include"][str(path)] = str(path.relative_to(parent))
