"""Read what runs paid: parse, call, respond."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from timesheets.models import Run
from timesheets.renderers import CSVRenderer, PageResponse, PlainJSONRenderer, choose_columns
from timesheets.serializers import represent_run, represent_run_line
from timesheets.storage.reach import Reach
from timesheets.storage.run_lines import COLUMNS, Shares, find_run, list_runs, read_lines
from timesheets.storage.scans import PageQuery
from timesheets.views.list_options import (
    OF_PAGE,
    OF_RUN_LINES,
    read_options,
    refuse_parameters,
    respond_with_page,
)
from timesheets.views.reading import ReadingView, read_reach

_COLUMNS = ("label", "through", "as_of", "created_at", "time_zone", "sha256", "lines", "hours", "held")


class RunListView(ReadingView):
    """List the runs that have lines of this client, the newest first."""

    resource_path = "/runs"
    renderer_classes = [PlainJSONRenderer, CSVRenderer]

    def get(self, request: Request) -> Response:
        options = read_options(request, PageQuery, OF_PAGE)
        runs, next_id = list_runs(options.reach, options.query, options.page_size)
        results = [represent_run(*each, names_sha256=options.reach.is_everything) for each in runs]
        columns = _choose_run_columns(options.reach)
        return respond_with_page(self.resource_path, options, results, next_id, columns=columns)


class RunView(ReadingView):
    """Read one run."""

    renderer_classes = RunListView.renderer_classes

    @property
    def resource_path(self) -> str:
        return f"{RunListView.resource_path}/{self.kwargs['run_label']}"

    def get(self, request: Request, run_label: str) -> Response:
        refuse_parameters(request)
        reach = read_reach(request)
        members = represent_run(*_require_run(reach, run_label), names_sha256=reach.is_everything)
        return PageResponse(members, columns=_choose_run_columns(reach))


class RunLineListView(ReadingView):
    """List what a run pays."""

    renderer_classes = RunListView.renderer_classes

    @property
    def resource_path(self) -> str:
        return f"{RunListView.resource_path}/{self.kwargs['run_label']}/lines"

    def get(self, request: Request, run_label: str) -> Response:
        options = read_options(request, PageQuery, OF_RUN_LINES)
        run = _require_run(options.reach, run_label)
        lines, next_begin = read_lines(*run, options.query.from_id or 0, options.page_size)
        names_client = options.reach.is_everything
        results = [represent_run_line(line, names_client=names_client) for line in lines]
        columns = choose_columns(COLUMNS, options.reach)
        return respond_with_page(self.resource_path, options, results, next_begin, columns=columns)


def _choose_run_columns(reach: Reach) -> tuple[str, ...]:
    return tuple(name for name in _COLUMNS if name != "sha256" or reach.is_everything)


def _require_run(reach: Reach, label: str) -> tuple[Run, Shares]:
    run = find_run(reach, label)
    if run is None:
        raise NotFound("There is no such run with hours of this client.")
    return run
