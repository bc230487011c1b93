"""Read runs, as those see them whose rows are in reach. Knows no HTTP."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from timesheets.models import Run
from timesheets.storage.reach import Reach
from timesheets.storage.run_lines import Share, Shares, read_shares
from timesheets.storage.scans import PageQuery


@dataclass(frozen=True, kw_only=True, slots=True)
class VisibleRun:
    """A run, and the shares of the clients in reach."""

    run: Run
    shares: Shares

    @property
    def totals(self) -> Share:
        return Share.add_up(self.shares.values())


def list_runs(reach: Reach, query: PageQuery, page_size: int) -> tuple[Sequence[VisibleRun], int | None]:
    """At most `page_size` runs, the newest first, and the first id of the next page, None after the last."""
    runs = _select_runs(reach).order_by("-id")
    if query.from_id is not None:
        runs = runs.filter(id__lte=query.from_id)
    rows = list(runs[: page_size + 1])
    return _show(rows[:page_size], reach), rows[page_size].pk if len(rows) > page_size else None


def find_run(reach: Reach, label: str) -> VisibleRun | None:
    """The run with this label; None if there is none, or if it has no line in the reach of a client."""
    found = _show(_select_runs(reach).filter(label=label), reach)
    return found[0] if found else None


def _select_runs(reach: Reach) -> QuerySet[Run]:
    if reach.is_everything:
        return Run.objects.all()
    # A number as a key of JSON, which has no other one.
    owners = [Q(shares__contains=f'"{owner_id}": ') for owner_id in reach.list_owner_ids()]
    return Run.objects.filter(*owners) if owners else Run.objects.none()


def _show(runs: Iterable[Run], reach: Reach) -> list[VisibleRun]:
    owner_ids = set(reach.list_owner_ids())
    shares = ((run, read_shares(run)) for run in runs)
    return [
        VisibleRun(run=run, shares={owner_id: each[owner_id] for owner_id in each.keys() & owner_ids})
        for run, each in shares
    ]
