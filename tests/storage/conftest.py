"""Fixtures for tests of storage."""

import pytest

from tests.kit.default_database import Database
from tests.storage.entries import PAYROLL
from tests.storage.uploads import REPORTING
from timesheets.models import Client


@pytest.fixture
def clients(database: Database) -> None:
    """Create both clients, so that no upload waits for another to create its client."""
    for client in (PAYROLL, REPORTING):
        Client.objects.create(issuer=client.issuer, client_id=client.client_id)
