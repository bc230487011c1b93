"""Receipts: what a committed upload of many entries leaves, and how it is read back, on both databases."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError

from tests.kit.default_database import only_on
from tests.storage.entries import PAYROLL, RECEIVED_AT, ingest, make_entry, own
from tests.storage.uploads import DELIVERED, make_delivery, uncommitted_upload
from timesheets.models import Client, Rejection, Timesheet, Upload
from timesheets.storage.entries import Entry, Outcome
from timesheets.storage.ingest import Ingested, ingest_upload
from timesheets.storage.receipts import ReceiptQuery, find_receipt, list_receipts

pytestmark = pytest.mark.usefixtures("database")

STRANGER = replace(PAYROLL, client_id="stranger")
ALL = ReceiptQuery()


def upload(*entries: Entry, rejected: int = 0, label: str | None = None) -> Ingested:
    """Upload the entries, and as many others that are not valid."""
    delivery = make_delivery(len(entries) + rejected, sum(entry.hours for entry in entries), label)
    return ingest_upload(PAYROLL, entries, RECEIVED_AT, delivery)


def upload_labels(*labels: str) -> list[int]:
    ids = [upload(make_entry(), label=label).upload_id for label in labels]
    return [upload_id for upload_id in ids if upload_id is not None]


def read_pages(query: ReceiptQuery = ALL, page_size: int = 2) -> Iterator[Sequence[Upload]]:
    while True:
        receipts, next_id = list_receipts(own(), query, page_size)
        yield receipts
        if next_id is None:
            return
        query = replace(query, from_id=next_id)


def list_ids(query: ReceiptQuery = ALL) -> list[int]:
    return [receipt.pk for page in read_pages(query) for receipt in page]


def test_a_receipt_has_the_totals_of_the_upload() -> None:
    ingest(make_entry("stored"), make_entry("other"))
    entries = [
        make_entry("new", hours=Decimal("7.25")),
        make_entry(),
        make_entry("stored"),
        make_entry("other", hours=Decimal(9)),
    ]

    ingested = upload(*entries, rejected=1)

    assert ingested.upload_id is not None
    receipt = find_receipt(own(), ingested.upload_id)
    assert receipt is not None
    assert DELIVERED(receipt) == DELIVERED(make_delivery(5, "26.25"))
    assert (receipt.received_at, receipt.subject) == (RECEIVED_AT, PAYROLL.subject)
    assert (receipt.created, receipt.existing, receipt.rejected) == (2, 1, 2)
    assert (receipt.hours_created, receipt.hours_existing) == (Decimal("12.25"), Decimal(5))
    created = [verdict.timesheet_id for verdict in ingested.verdicts if verdict.outcome is Outcome.CREATED]
    assert (receipt.first_id, receipt.last_id) == (min(created), max(created))


def test_the_rows_of_an_upload_carry_its_id() -> None:
    many = [make_entry(f"{number}") for number in range(300)]
    ingest(many[0], make_entry("alone"))
    correction = make_entry("alone", hours=Decimal(6), revision=2, reason="reason")

    ingested = upload(*many, make_entry(), correction)

    uploads = Counter(Timesheet.objects.values_list("upload_id", flat=True))
    assert uploads == {ingested.upload_id: 301, None: 2}


@only_on("postgresql")
def test_a_list_of_receipts_stops_before_an_uncommitted_upload() -> None:
    Client.objects.create(issuer=STRANGER.issuer, client_id=STRANGER.client_id)
    before = upload_labels("before")
    with uncommitted_upload("slow", delivery=make_delivery(1, label="slow")):
        upload_labels("fast")
        assert list_ids() == list_ids(ReceiptQuery(newest_first=True)) == before

    assert list_ids() == sorted(Upload.objects.values_list("id", flat=True))
    assert len(list_ids()) == 3


def refuse(*indexes: int) -> list[Rejection]:
    return [
        Rejection(index=index, status=422, code="invalid_entry", errors="{}", entry='{"text": "\ufffd…"}')
        for index in indexes
    ]


@pytest.mark.parametrize("is_committed", [True, False])
def test_rejections_are_kept_if_and_only_if_their_receipt_is(is_committed: bool) -> None:
    ingest_upload(
        PAYROLL,
        [make_entry()],
        RECEIVED_AT,
        make_delivery(3),
        commit_if=lambda _: is_committed,
        list_refused=lambda _: refuse(1, 2),
    )

    kept = list(Rejection.objects.order_by("index").values_list("upload_id", "index", "entry"))
    uploads = Upload.objects.values_list("id", flat=True)
    assert len(uploads) == is_committed
    assert kept == [(upload_id, index, '{"text": "\ufffd…"}') for upload_id in uploads for index in (1, 2)]


def test_an_upload_whose_rejections_cannot_be_kept_stores_nothing() -> None:
    with pytest.raises(IntegrityError):
        ingest_upload(
            PAYROLL, [make_entry()], RECEIVED_AT, make_delivery(3), list_refused=lambda _: refuse(1, 1)
        )

    assert not Timesheet.objects.exists()
    assert not Upload.objects.exists()
    assert not Rejection.objects.exists()
