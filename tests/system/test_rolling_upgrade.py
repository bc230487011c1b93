"""After `migrate`, processes of the version before go on uploading until they are replaced."""

from pathlib import Path

import pytest

from tests.kit.default_database import Database
from tests.kit.history import extract, find_version_before_migration
from tests.kit.issuer import Issuer
from tests.kit.processes import find_free_port
from tests.kit.servers import ENTRY, Server


@pytest.mark.history
def test_the_version_before_the_newest_migration_uploads_beside_it(
    tmp_path: Path, issuer_process: Issuer, database: Database
) -> None:
    commit = find_version_before_migration()
    assert commit is not None
    extract(commit, tmp_path)
    port = find_free_port()
    server = Server(
        tmp_path,
        port,
        ["manage.py", "serve", f"--port={port}", "--workers=1"],
        DJANGO_SETTINGS_MODULE="tests.settings_server",
        TEST_DATABASE_URL=database.url,
        TEST_ISSUER=issuer_process.url,
        TMPDIR=str(tmp_path),
    )

    token, first = issuer_process.mint(), {**ENTRY, "entry_id": "a"}

    try:
        alone = [server.upload(token, first).status_code for _ in range(2)]
        # PostgreSQL has another statement for a batch's entries after the first hundred.
        others = ({**ENTRY, "entry_id": f"b-{number}"} for number in range(300))
        batch = server.upload(token, [first, *others]).json()
    finally:
        server.close()

    assert alone == [201, 200]
    assert (batch["created"], batch["existing"]) == (300, 1)
