"""Read the receipts of a client's uploads of many entries: parse, call, respond."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.models import Upload
from timesheets.renderers import CSVRenderer, PageResponse, write_errors
from timesheets.serializers import represent_receipt, represent_rejection
from timesheets.storage.receipts import ReceiptQuery, find_receipt, list_receipts, list_rejections
from timesheets.storage.rows import Reach
from timesheets.storage.scans import PageQuery
from timesheets.views.list_options import (
    OF_PAGE,
    OF_RECEIPTS,
    PEOPLES_PAGE_SIZE,
    read_options,
    respond_with_page,
)
from timesheets.views.parameters import refuse_parameters
from timesheets.views.reading import ReadingView, read_reach
from timesheets_files.members import COLUMNS, ERRORS, OPTIONAL_COLUMNS

# Those of an upload, and why each entry was refused.
_REJECTION_COLUMNS = (*COLUMNS, *OPTIONAL_COLUMNS, ERRORS)


class ReceiptListView(ReadingView):
    """List the uploads of this client."""

    name = "Receipts"
    page_part = "timesheets/parts/receipts.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request) -> Response:
        options = read_options(request, ReceiptQuery, OF_RECEIPTS, PEOPLES_PAGE_SIZE)
        receipts, next_id = list_receipts(options.reach, options.query, options.page_size)
        results = [represent_receipt(receipt, options.reach.find_owner(receipt)) for receipt in receipts]
        return respond_with_page(options, results, next_id)


class ReceiptView(ReadingView):
    """Read the receipt of one upload."""

    name = "Receipt of upload {upload_id}"
    page_part = "timesheets/parts/receipt.html"

    def get(self, request: Request, upload_id: int) -> Response:
        refuse_parameters(request)
        reach, receipt = _require_receipt(request, upload_id)
        members = represent_receipt(receipt, reach.find_owner(receipt))
        return PageResponse(members, reach=reach, upload_id=upload_id)


class RejectionListView(ReadingView):
    """List what an upload refused."""

    name = "Rejected entries of upload {upload_id}"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/rejections.html"

    def get(self, request: Request, upload_id: int) -> Response:
        options = read_options(request, PageQuery, OF_PAGE)
        _require_receipt(request, upload_id)
        refused, next_index = list_rejections(upload_id, options.query, options.page_size)
        results = [represent_rejection(each) for each in refused]
        rows = ({**each["entry"], ERRORS: write_errors(each)} for each in results)
        return respond_with_page(options, results, next_index, columns=_REJECTION_COLUMNS, rows=rows)


def _require_receipt(request: Request, upload_id: int) -> tuple[Reach, Upload]:
    reach = read_reach(request)
    receipt = find_receipt(reach, upload_id)
    if receipt is None:
        raise NotFound(f"{'No' if reach.is_everything else 'This'} client has no upload {upload_id}.")
    return reach, receipt
