"""Read what runs paid: parse, call, respond."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from timesheets.models import Run
from timesheets.renderers import CSVRenderer, PageResponse, choose_columns, has_page
from timesheets.serializers import represent_run
from timesheets.storage.rows import Reach
from timesheets.storage.run_lines import COLUMNS, Shares, find_run, list_runs, read_all_lines, read_lines
from timesheets.storage.scans import PageQuery
from timesheets.views.downloads import Download, let_others_connect
from timesheets.views.list_options import (
    OF_PAGE,
    OF_RUN_LINE_PAGE,
    OF_RUN_LINES,
    PEOPLES_PAGE_SIZE,
    read_options,
    respond_with_page,
)
from timesheets.views.parameters import refuse_parameters
from timesheets.views.reading import ReadingView, read_reach

_COLUMNS = ("label", "through", "as_of", "created_at", "time_zone", "sha256", "lines", "hours", "held")


class RunListView(ReadingView):
    """List the runs that have lines of this client, the newest first."""

    name = "Runs"
    renderer_classes = [*APIView.renderer_classes, CSVRenderer]
    page_part = "timesheets/parts/runs.html"

    def get(self, request: Request) -> Response:
        options = read_options(request, PageQuery, OF_PAGE, PEOPLES_PAGE_SIZE)
        runs, next_id = list_runs(options.reach, options.query, options.page_size)
        results = [represent_run(*each, names_sha256=options.reach.is_everything) for each in runs]
        return respond_with_page(options, results, next_id, columns=_choose_run_columns(options.reach))


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
        fields = OF_RUN_LINE_PAGE if has_page(request) else OF_RUN_LINES
        options = read_options(request, dict, fields, PEOPLES_PAGE_SIZE)
        run, shares = _require_run(options.reach, run_label)
        columns, wanted = choose_columns(COLUMNS, options.reach), options.query
        begin = wanted.pop("from_id") or 0
        # Lines have one order.
        del wanted["newest_first"]
        if "format" in options.parameters:
            every = let_others_connect(read_all_lines(run, shares, **wanted))
            rows = (line[: len(columns)] for line in every)
            return Download(request, f"run-{run_label}", columns, rows)
        lines, next_begin = read_lines(run, shares, begin, options.page_size, **wanted)
        # Only an organization can be empty.
        pairs = (zip(columns, line, strict=False) for line in lines)
        results = [{name: cell for name, cell in each if cell != ""} for each in pairs]
        shown = {"run": run, "shares": shares, "wanted": wanted}
        return respond_with_page(options, results, next_begin, columns=columns, **shown)


def _choose_run_columns(reach: Reach) -> tuple[str, ...]:
    return tuple(name for name in _COLUMNS if name != "sha256" or reach.is_everything)


def _require_run(reach: Reach, label: str) -> tuple[Run, Shares]:
    run = find_run(reach, label)
    if run is None:
        raise NotFound("There is no such run with hours of this client.")
    return run
