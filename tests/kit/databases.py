"""Databases with their tables. A run migrates once for each settings module, and copies the result."""

import shutil
from pathlib import Path

from filelock import FileLock

from tests.kit.processes import REPOSITORY, run_python

# Where the workers of a run find the databases to copy. Without a folder, each database is migrated.
templates: Path | None = None


def share_templates(folder: Path) -> None:
    global templates
    templates = folder


def create_sqlite(file: Path, settings: str = "tests.settings_admin") -> str:
    """Create a database with the tables of these settings, and return its URL."""
    url = f"sqlite:///{file}"
    if templates is None:
        migrate(url, settings)
        return url
    template = templates / f"{settings}.sqlite3"
    with FileLock(f"{template}.lock"):
        if not template.exists():
            unfinished = template.with_suffix(".part")
            migrate(f"sqlite:///{unfinished}", settings)
            unfinished.rename(template)
    shutil.copyfile(template, file)
    return url


def migrate(url: str, settings: str = "tests.settings_admin") -> None:
    variables = {"DJANGO_SETTINGS_MODULE": settings, "PYTHONPATH": str(REPOSITORY)}
    # The settings of the tests and those of development read the URL from different variables.
    result = run_python("-m", "django", "migrate", **variables, DATABASE_URL=url, TEST_DATABASE_URL=url)
    if result.returncode:
        raise RuntimeError(f"{url} cannot be migrated:\n{result.stderr}")
