"""The entries that uploads refused: keep them with the receipt, read them back. Knows no HTTP."""

from collections.abc import Sequence

from timesheets.models import Rejection
from timesheets.storage.scans import PageQuery

# Of one upload.
MAX_KEPT = 1000


def add_rejections(upload_id: int, rejections: Sequence[Rejection]) -> None:
    """Add refused entries to the current transaction, which stores the upload's receipt."""
    for rejection in rejections:
        rejection.upload_id = upload_id
    Rejection.objects.bulk_create(rejections)


def list_rejections(
    upload_id: int, query: PageQuery, page_size: int
) -> tuple[Sequence[Rejection], int | None]:
    """At most `page_size` refused entries, and the first index of the next page: None after the last one."""
    found = Rejection.objects.filter(upload_id=upload_id, index__gte=query.from_id or 0).order_by("index")
    rows = list(found[: page_size + 1])
    return rows[:page_size], rows[page_size].index if len(rows) > page_size else None
