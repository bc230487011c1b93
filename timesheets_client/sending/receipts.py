"""Read the API's receipts of uploads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from timesheets_client.sending.client import ApiClient
from timesheets_client.sending.stored_entries import Unexpected, explain_unexpected, read_whole_number

UPLOADS_PATH = "/uploads"
COUNTS = ("received", "created", "existing", "rejected")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the API says of an upload of many. The texts are safe to print."""

    upload: int
    received_at: str
    label: str
    counts: Mapping[str, int]

    @classmethod
    def parse(cls, members: object, client: ApiClient) -> Self:
        """Raises Unexpected."""
        if not isinstance(members, Mapping):
            raise Unexpected
        received_at, label = (client.quote(members.get(name) or "") for name in ("received_at", "label"))
        counts = {name: read_whole_number(members.get(name)) for name in COUNTS}
        upload = read_whole_number(members.get("id"))
        return cls(upload=upload, received_at=received_at, label=label, counts=counts)


def find_receipt(client: ApiClient, upload: int) -> Receipt | None:
    """The receipt of an upload; None if this client has no such upload. Raises an UploadError."""
    path = f"{UPLOADS_PATH}/{upload}"
    answer = client.read(path)
    if answer is None:
        return None
    try:
        return Receipt.parse(answer.document, client)
    except Unexpected:
        raise explain_unexpected(path) from None


def list_receipts(client: ApiClient, count: int, label: str | None) -> Sequence[Receipt]:
    """At most `count` receipts, the newest first; with a label, only those that have it.

    Raises an UploadError.
    """
    filters = {} if label is None else {"label": label}
    answer = client.read(UPLOADS_PATH, order="newest", page_size=str(count), **filters)
    try:
        receipts = ((answer and answer.document) or {}).get("results")
        if not isinstance(receipts, list):
            raise Unexpected
        return [Receipt.parse(each, client) for each in receipts]
    except Unexpected:
        raise explain_unexpected(UPLOADS_PATH) from None
