"""The receipts of uploads of many entries, with what they refused: write and read them. Knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import prefetch_related_objects

from timesheets.models import Rejection, Upload
from timesheets.storage.entries import ACCEPTED, Entry, Outcome, Verdict
from timesheets.storage.high_water_mark import announce, find_high_water_mark
from timesheets.storage.rows import SELECT_OWNER, Provenance, Reach, find_or_create_owner
from timesheets.storage.scans import PageQuery, compare, read_page, scan_ids
from timesheets.trust.principals import ClientKey

_TABLE = Upload._meta.db_table  # noqa: SLF001  Django documents _meta as its public interface.
_FIELDS = Upload._meta.concrete_fields  # noqa: SLF001
_INSERT = (
    f"INSERT INTO {_TABLE} ({', '.join(str(field.column) for field in _FIELDS)}) "  # noqa: S608
    f"VALUES ({', '.join(['%s'] * len(_FIELDS))})"
)
# Refused entries of one upload.
MAX_KEPT = 1000


@dataclass(frozen=True, kw_only=True)
class ReceiptQuery(PageQuery):
    """Selects the receipts that meet every condition that is not None."""

    label: str | None = None
    received_since: datetime | None = None
    # Only those with refused entries.
    has_rejected: bool = False


def reserve_upload(client: ClientKey) -> tuple[int, int]:
    """The primary key of the client's row, and the id of an upload whose rows this transaction will store.

    One statement for both, because a round trip takes as long as storing ten entries.
    """
    statement = f"SELECT COALESCE(MAX(id), 0) + 1, ({SELECT_OWNER}) FROM {_TABLE}"  # noqa: S608
    if connection.vendor == "postgresql":
        announced = f"WITH announced AS MATERIALIZED ({announce(Upload)})"
        statement = f"{announced} SELECT nextval('{_TABLE}_id_seq'), ({SELECT_OWNER}) FROM announced"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, client)
        upload_id, owner_id = cursor.fetchone()
    return owner_id or find_or_create_owner(client), upload_id


def add_receipt(
    receipt: Upload,
    provenance: Provenance,
    entries: Sequence[Entry],
    verdicts: Sequence[Verdict],
    rejections: Sequence[Rejection],
) -> None:
    """Add the receipt and the refused entries to the current transaction, which stored the entries.

    The receipt says how the upload was sent, and its totals before the entries were judged.
    """
    created_ids, existing = [], 0
    hours_created = hours_existing = Decimal()
    for entry, verdict in zip(entries, verdicts, strict=True):
        if verdict.outcome is Outcome.CREATED:
            created_ids.append(verdict.timesheet_id)
            hours_created += entry.hours
        elif verdict.outcome in ACCEPTED:
            existing += 1
            hours_existing += entry.hours
    receipt.pk, receipt.client_id = provenance.upload_id, provenance.client_id
    receipt.received_at, receipt.subject = provenance.received_at, provenance.subject
    receipt.created, receipt.existing = len(created_ids), existing
    receipt.rejected = receipt.received - len(created_ids) - existing
    receipt.hours_created, receipt.hours_existing = hours_created, hours_existing
    receipt.first_id, receipt.last_id = min(created_ids, default=None), max(created_ids, default=None)
    # Django's own INSERT takes five times as long.
    values = [field.get_db_prep_save(getattr(receipt, field.attname), connection) for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
    for rejection in rejections:
        rejection.upload_id = receipt.pk
    Rejection.objects.bulk_create(rejections)


def find_receipt(reach: Reach, upload_id: int) -> Upload | None:
    """The receipt with this id; None if there is none in reach."""
    return Upload.objects.filter(pk=upload_id, client__in=reach.select_clients()).first()


def list_receipts(reach: Reach, query: ReceiptQuery, page_size: int) -> tuple[Sequence[Upload], int | None]:
    """At most `page_size` of the receipts in reach that match, and the first id of the next page.

    It is None after the last page. A caller that follows each one, and later requests the last page again,
    misses no receipt.
    """
    bounds = query.bound(find_high_water_mark(Upload))
    scans, in_reach = scan_ids(Upload, reach, *bounds, newest_first=query.newest_first)
    conditions = [
        *in_reach,
        *compare("label =", query.label),
        *compare("received_at >=", query.received_since),
        *compare("rejected >", 0 if query.has_rejected else None),
    ]
    receipts, next_id = read_page(Upload, scans, conditions, page_size)
    if reach.is_everything:
        prefetch_related_objects(receipts, "client")
    return receipts, next_id


def list_rejections(
    upload_id: int, query: PageQuery, page_size: int
) -> tuple[Sequence[Rejection], int | None]:
    """At most `page_size` refused entries, and the first index of the next page: None after the last one."""
    found = Rejection.objects.filter(upload_id=upload_id, index__gte=query.from_id or 0).order_by("index")
    rows = list(found[: page_size + 1])
    return rows[:page_size], rows[page_size].index if len(rows) > page_size else None


def count_with_rejected(reach: Reach, since: datetime) -> int:
    """The number of receipts in reach that have refused entries."""
    return reach.limit(Upload.objects.filter(received_at__gte=since, rejected__gt=0)).count()
