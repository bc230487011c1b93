"""Read what runs paid: parse, call, respond."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.browser.runs import write_lines
from timesheets.models import Run
from timesheets.renderers import CSVRenderer, PageResponse, choose_columns, has_page
from timesheets.serializers import represent_run, represent_run_line
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import COLUMNS, LineQuery, Shares, find_run, list_runs, read_lines
from timesheets.storage.scans import PageQuery
from timesheets.views.downloads import Download, start_download
from timesheets.views.list_options import (
    OF_PAGE,
    OF_RUN_LINE_PAGE,
    OF_RUN_LINES,
    read_options,
    refuse_parameters,
    respond_with_page,
)
from timesheets.views.reading import ReadingView, read_reach

_COLUMNS = ("label", "through", "as_of", "created_at", "time_zone", "sha256", "lines", "hours", "held")


class RunListView(ReadingView):
    """List the runs that have lines of this client, the newest first."""

    name = "Runs"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/runs.html"

    def get(self, request: Request) -> Response:
        options = read_options(request, PageQuery, OF_PAGE)
        if has_page(request):
            options = options.suit_a_page(has_one_order=True)
        runs, next_id = list_runs(options.reach, options.query, options.page_size)
        results = [represent_run(*each, names_sha256=options.reach.is_everything) for each in runs]
        columns, reach = _choose_run_columns(options.reach), options.reach
        return respond_with_page(request.path_info, options, results, next_id, columns=columns, reach=reach)


class RunView(ReadingView):
    """Read one run."""

    name = "Run {run_label}"
    renderer_classes = RunListView.renderer_classes
    page_part = "timesheets/parts/run.html"

    def get(self, request: Request, run_label: str) -> Response:
        refuse_parameters(request)
        reach = read_reach(request)
        run, shares = _require_run(reach, run_label)
        members = represent_run(run, shares, names_sha256=reach.is_everything)
        columns = _choose_run_columns(reach)
        return PageResponse(members, columns=columns, run=run, shares=shares, reach=reach)


class RunLineListView(ReadingView):
    """List what a run pays. Only the page has filters, and all lines as a file."""

    name = "Lines of run {run_label}"
    renderer_classes = RunListView.renderer_classes
    page_part = "timesheets/parts/run_lines.html"
    page_script = "timesheets/filters.js"

    def get(self, request: Request, run_label: str) -> Response | Download:
        is_page = has_page(request)
        options = read_options(request, LineQuery, OF_RUN_LINE_PAGE if is_page else OF_RUN_LINES)
        run, shares = _require_run(options.reach, run_label)
        columns, wanted = choose_columns(COLUMNS, options.reach), options.query.look_ups
        if "format" in options.parameters:
            return start_download(request, write_lines(columns, run, shares, wanted), f"run-{run_label}")
        if is_page:
            options = options.suit_a_page(has_one_order=True)
        lines, next_begin = read_lines(run, shares, options.query.from_id or 0, options.page_size, **wanted)
        names_client = options.reach.is_everything
        results = [represent_run_line(line, names_client=names_client) for line in lines]
        shown = {"run": run, "shares": shares, "wanted": wanted, "reach": options.reach}
        return respond_with_page(request.path_info, options, results, next_begin, columns=columns, **shown)


def _choose_run_columns(reach: Reach) -> tuple[str, ...]:
    return tuple(name for name in _COLUMNS if name != "sha256" or reach.is_everything)


def _require_run(reach: Reach, label: str) -> tuple[Run, Shares]:
    run = find_run(reach, label)
    if run is None:
        raise NotFound("There is no such run with hours of this client.")
    return run
