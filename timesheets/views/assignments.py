"""Show a client which employees, projects and days it may upload hours for: parse, call, respond."""

from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.permissions import READ_ALL_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from timesheets.renderers import CSVRenderer, PageResponse, has_page
from timesheets.serializers import represent_assignments
from timesheets.storage.assignments import COLUMNS, find_newest_list
from timesheets.trust.principals import MachineClient
from timesheets.views.list_options import refuse_parameters

_MAX_ROWS_ON_PAGE = 200


class AssignmentView(APIView):
    """Read this client's own list. Requires the scope `batch:upload` or one to read."""

    name = "What may this client upload?"
    required_scopes = frozenset({UPLOAD_SCOPE})
    sufficient_scopes = frozenset({READ_SCOPE, READ_ALL_SCOPE})
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/assignments.html"

    def get(self, request: Request) -> Response:
        refuse_parameters(request)
        members = represent_assignments(find_newest_list(cast("MachineClient", request.user).key))
        rows = members["assignments"]
        if rows and has_page(request):
            members["assignments"] = rows[:_MAX_ROWS_ON_PAGE]
        return PageResponse(members, columns=COLUMNS, rows=rows or (), row_count=len(rows or ()))
