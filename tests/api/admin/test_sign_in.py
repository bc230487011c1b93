"""Who can sign in to the admin, what they may see there, and how guesses are slowed down."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.admin.conftest import LIST, PASSWORD, UPLOADS, Visitor, add_user
from tests.kit.databases import create_sqlite
from tests.kit.default_database import use_database
from timesheets.models import Usage
from timesheets.storage.rate_limits import Rate, use

TOO_MANY = "Too many failed attempts from your address. Try again in 15 minutes."
Visit = Callable[..., Visitor]


@pytest.fixture
def db(tmp_path: Path, django_db_blocker: Any) -> Iterator[None]:
    """A file, because a count is committed on another connection, which a database in memory may lock out."""
    url = create_sqlite(tmp_path / "db.sqlite3", "tests.settings_admin")
    with django_db_blocker.unblock(), use_database(url):
        yield


@pytest.fixture
def accounts(rows: None) -> None:
    add_user("boss", is_superuser=True)
    add_user("clerk", may="view_timesheet")
    add_user("guest", is_staff=False)


def sees_the_list(name: str, address: str) -> bool:
    """Whether somebody who signs in with the right password sees the list."""
    visitor = Visitor(address)
    visitor.sign_in(name)
    return visitor.list_ids() == [4, 3, 2, 1]


def use_up(network: str, count: int = 10) -> None:
    """Let there be as many failed attempts as are allowed."""
    for _ in range(count):
        use(("admin", network), Rate(count=count, seconds=900))


@pytest.mark.parametrize(
    ("name", "password"), [("boss", "wrong-password"), ("nobody", PASSWORD), ("guest", PASSWORD)]
)
def test_a_failed_sign_in_is_logged_without_its_input(
    accounts: None, caplog: pytest.LogCaptureFixture, name: str, password: str
) -> None:
    visitor = Visitor()

    visitor.sign_in(name, password)

    [line] = [record for record in caplog.records if record.name == "timesheets.admin"]
    assert line.levelname == "WARNING"
    assert line.getMessage() == 'outcome=refused reason=admin_sign_in address="127.0.0.1"'
    assert password not in caplog.text
    response = visitor.get(LIST)
    assert response.redirect_chain[-1][0] == f"/admin/login/?next={LIST}"
    assert "StoreZero" not in response.text


def test_too_many_guesses_stop_the_right_password(accounts: None, caplog: pytest.LogCaptureFixture) -> None:
    use_up("203.0.113.7")
    counted = list(Usage.objects.values_list("key", "count"))

    refused = Visitor("198.51.100.1, 203.0.113.7").sign_in("boss")

    assert TOO_MANY in refused.text
    assert "sessionid" not in refused.cookies
    assert 'outcome=refused reason=admin_sign_in_limit address="203.0.113.7"' in caplog.messages
    # A refused attempt does not count, and the same person elsewhere is not locked out.
    assert list(Usage.objects.values_list("key", "count")) == counted
    assert sees_the_list("boss", "203.0.113.8")


def test_all_addresses_of_a_persons_network_count_together(accounts: None) -> None:
    use_up("2001:db8::/64")

    assert TOO_MANY in Visitor("2001:db8::9").sign_in("boss").text
    assert sees_the_list("boss", "2001:db8:0:1::9")


def test_a_sign_in_that_succeeds_does_not_count(accounts: None) -> None:
    use_up("203.0.113.10", 9)

    for _ in range(2):
        assert sees_the_list("boss", "203.0.113.10")


def test_staff_without_permission_see_no_timesheets(rows: None, visit: Visit) -> None:
    newcomer = visit("newcomer")

    assert newcomer.get("/admin/").status_code == 200
    assert newcomer.get(LIST).status_code == 403
    assert newcomer.get(f"{LIST}1/change/").status_code == 403


def test_staff_with_view_permission_see_timesheets(rows: None, visit: Visit) -> None:
    clerk = visit("clerk", may="view_timesheet")

    assert clerk.list_ids() == [4, 3, 2, 1]
    assert "payroll@clients" in clerk.get(f"{LIST}1/change/").text
    assert clerk.get(UPLOADS).status_code == 403


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "not_authenticated"),
        pytest.param({"Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA"}, "invalid_token", id="bad"),
    ],
)
def test_a_superusers_session_opens_nothing_here(boss: Visitor, headers: dict[str, Any], code: str) -> None:
    response = boss.browser.post("/timesheets/upload", {}, content_type="application/json", headers=headers)

    assert (response.status_code, response.json()["code"]) == (401, code)
