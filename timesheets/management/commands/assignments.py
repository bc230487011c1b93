"""Set, show, remove and check which employees, projects and days a client may upload hours for."""

import hashlib
import sys
from datetime import date, datetime, time
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from timesheets import conf
from timesheets.management.command_line import (
    ExitStatus,
    OperatorCommand,
    find_operator,
    read_policy_file,
    write_table,
)
from timesheets.models import AssignmentList, Timesheet
from timesheets.storage.assignments import (
    Assignments,
    find_newest_list,
    parse_list,
    read_assignments,
    write_rows,
)
from timesheets.storage.rows import IS_CURRENT, find_owner
from timesheets.trust.principals import ClientKey

_HELP = {
    "set": "replace the client's list by FILE, a CSV with user_id, project, from, to and hours_per_week",
    "show": "print the client's list",
    "history": "print who set which list when",
    "remove": "remove the client's list: it may then upload everything",
    "check": "print the current entries that the list would refuse",
}


class Command(OperatorCommand):
    help = """\
Set which employees, projects and days a client may upload hours for. Every process uses a new list
within two seconds. Run it with the database role that owns the tables."""
    exit_statuses = {ExitStatus.REFUSED: "FILE has errors, or the list would refuse current entries"}

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
        for action, text in _HELP.items():
            each = actions.add_parser(action, help=text)
            each.add_argument(
                "client", metavar="CLIENT", help="its client id; it may have uploaded nothing yet"
            )
            each.add_argument("--organization", metavar="ORG", default="", help="its organization, if any")
            if action == "set":
                each.add_argument("file", metavar="FILE", help="a CSV file; - is standard input")
                each.add_argument("--dry-run", action="store_true", help="show what would change")
            if action == "check":
                each.add_argument("--since", metavar="DATE", type=date.fromisoformat, help="from this day on")

    def handle(self, *_: Any, **options: Any) -> None:
        client = ClientKey(conf.issuer().url, options["client"], options["organization"])
        if options["action"] == "set":
            self._set(client, options["file"], dry_run=options["dry_run"])
            return
        newest = find_newest_list(client)
        match options["action"]:
            case "history":
                self._show_history(client)
            case _ if newest is None:
                self.stdout.write(f"{client.client_id} has no list.")
            case "show":
                self.stdout.write(newest.content or "", ending="")
            case "remove":
                _add(client, None, "")
                self.stdout.write(f"{client.client_id} has no list from now on.")
            case _:
                self._check(client, newest, options["since"])

    def _set(self, client: ClientKey, name: str, *, dry_run: bool) -> None:
        content, rows = read_policy_file(name, read_assignments)
        newest = find_newest_list(client)
        digest = hashlib.sha256(content).hexdigest()
        if newest is not None and newest.sha256 == digest:
            self.stdout.write(f"{client.client_id} has this list already: {newest.pk}.")
            return
        if dry_run:
            before, after = (set(write_rows(each)) for each in (parse_list(newest) if newest else [], rows))
            for mark, changed in (("-", before - after), ("+", after - before)):
                for row in sorted(changed):
                    self.stdout.write(f"{mark} {row}")
            self.stdout.write(f"{client.client_id} would have {len(rows)} rows. Nothing was changed.")
            return
        added = _add(client, content.decode("utf-8-sig"), digest)
        self.stdout.write(f"{client.client_id} has list {added.pk} with {len(rows)} rows from now on.")

    def _show_history(self, client: ClientKey) -> None:
        lists = AssignmentList.objects.filter(**client._asdict()).order_by("-id")
        rows = []
        for each in lists.iterator(chunk_size=1):
            content = "removed" if each.content is None else f"{len(parse_list(each))} rows"
            at = each.decided_at.isoformat(timespec="seconds")
            rows.append((each.pk, at, each.decided_by, content, each.sha256))
        self.stdout.write(write_table(("list", "at", "by", "content", "sha256"), rows))

    def _check(self, client: ClientKey, newest: AssignmentList, since: date | None) -> None:
        assignments, zone, count = Assignments(parse_list(newest)), conf.time_zone(), 0
        rows = Timesheet.objects.filter(IS_CURRENT, client=find_owner(client))
        if since is not None:
            rows = rows.filter(date__gte=datetime.combine(since, time(), zone))
        for row in rows.order_by("id").iterator():
            day = row.date.astimezone(zone).date()
            if member := assignments.find_fault(row.user_id, row.project, day):
                count += 1
                self.stdout.write(f"{row.pk} {row.user_id} {day} {row.project} {row.hours}: {member}")
        self.stdout.write(f"List {newest.pk} would refuse {count} current entries of {client.client_id}.")
        if count:
            sys.exit(ExitStatus.REFUSED)


def _add(client: ClientKey, content: str | None, sha256: str) -> AssignmentList:
    return AssignmentList.objects.create(
        **client._asdict(),
        content=content,
        sha256=sha256,
        decided_at=timezone.now(),
        decided_by=find_operator(),
    )
