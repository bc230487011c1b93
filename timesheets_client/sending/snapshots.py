"""Read the current entries in one state, which later uploads and corrections do not change."""

from collections.abc import Iterator

from timesheets_client.errors import ConfigurationError, ParameterRefused
from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import Page, explain_unexpected, find_page, list_pages

MAX_ID = 2**63 - 1


def find_latest_state(client: ApiClient, since: str) -> int | None:
    """The last id of the latest state; None if no current entry is dated `since` or later.

    Raises ConfigurationError if the API has no states.
    """
    try:
        page = find_page(client, {"current": "true", "date_from": since, "page_size": "1"})
    except ParameterRefused as error:
        raise ConfigurationError(
            f"/timesheets: this API cannot say which entries are current: {error.reason}; "
            "--download needs a version of it that has corrections"
        ) from None
    if not page.rows and page.cursor is None:
        return None
    # If entries are stored, the id 1 cannot be assigned any more.
    return find_settled_id(client, page.rows[0].timesheet_id if page.rows else 1)


def find_settled_id(client: ApiClient, settled: int) -> int:
    """The highest id up to which no entry can be added any more. `settled` is any such id.

    The API has no other way to ask: it refuses the state of a higher id.
    """
    width = 1
    while is_settled(client, settled + width):
        settled, width = settled + width, 2 * width
        if settled > MAX_ID:
            raise explain_unexpected("/timesheets")
    while width > 1:
        width //= 2
        if is_settled(client, settled + width):
            settled += width
    return settled


def is_settled(client: ApiClient, timesheet_id: int) -> bool:
    try:
        # No upload has the number 0, so no entry is looked for.
        return client.read("/timesheets", as_of=str(timesheet_id), upload="0", page_size="1") is not None
    except ParameterRefused:
        return False


def list_state(
    client: ApiClient, *, as_of: int, since: str, page_size: int, cursor: str | None, last_id: int
) -> Iterator[Page]:
    """The entries of the state that are dated `since` or later, from `cursor` on. Raises an UploadError."""
    parameters = {"current": "true", "as_of": str(as_of), "date_from": since, "page_size": str(page_size)}
    position = {} if cursor is None else {"cursor": cursor}
    try:
        yield from list_pages(client, {**parameters, **position}, last_id)
    except ParameterRefused as error:
        raise ConfigurationError(
            f"/timesheets: the API no longer has the state of entry {as_of}: {error.reason}; if its "
            "database was restored, remove the file that ends in .part and run it again"
        ) from None
