"""An issuer with several names is one issuer."""

from typing import Any

import pytest

from tests.api.conftest import Upload, make_entry, status_and_code
from tests.kit.issuer import Issuer

CUSTOM_DOMAIN, FORMER = "https://login.example.com/", "https://old.eu.auth0.com/"


@pytest.fixture
def names(issuer: Issuer, settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "ALSO_ISSUERS": [CUSTOM_DOMAIN], "FORMER_ISSUERS": [FORMER]}


@pytest.mark.usefixtures("names")
def test_a_re_run_with_a_token_of_the_custom_domain_stores_nothing_twice(
    upload: Upload, issuer: Issuer
) -> None:
    entry = make_entry(entry_id="2026-1")

    statuses = [
        upload(entry, token=issuer.mint(iss=name)).status_code
        for name in (issuer.url, CUSTOM_DOMAIN, issuer.url)
    ]

    assert statuses == [201, 200, 200]


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("name", [FORMER, CUSTOM_DOMAIN.rstrip("/"), [CUSTOM_DOMAIN], {}])
def test_any_other_name_is_refused(upload: Upload, issuer: Issuer, name: object) -> None:
    response = upload(token=issuer.mint(iss=name))

    assert status_and_code(response) == (401, "invalid_token")
