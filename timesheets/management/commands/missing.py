"""Show who has no hours, or too few, in a week."""

import json
import sys
from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from timesheets import conf
from timesheets.formats.days import Week
from timesheets.management.diagnosis import DiagnosticCommand, DiagnosticStatus
from timesheets.management.operators import write_table
from timesheets.renderers import CLIENT_COLUMNS, PERSON_COLUMNS
from timesheets.serializers import represent_people
from timesheets.storage.missing import WeekNotBegun, WeekOfPeople, find_missing
from timesheets.storage.reach import Reach


class Command(DiagnosticCommand):
    help = "Show who has no hours, or too few, in a week, of all clients that have a list of assignments."
    exit_statuses = {
        DiagnosticStatus.GOOD: "nobody is missing or short, or there is no list",
        DiagnosticStatus.USAGE: "wrong usage, or the week has not begun",
        DiagnosticStatus.REFUSED: "somebody is missing or short",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("week", metavar="WEEK", help="such as 2026-W23")
        parser.add_argument("--client", metavar="CLIENT", help="only this client id, in every organization")
        parser.add_argument("--json", action="store_true", help="print what GET /missing returns")

    def handle(self, *_: Any, **options: Any) -> None:
        client_ids = [options["client"]] if options["client"] else []
        found = _find(options["week"], Reach(own=None, client_ids=client_ids))
        members = represent_people(found, names_clients=True)
        if options["json"]:
            self.stdout.write(json.dumps(members, indent=2))
        elif found.people is None:
            self.stdout.write(f"{options['client']} has no list." if client_ids else "No client has a list.")
        else:
            columns = (*PERSON_COLUMNS, *CLIENT_COLUMNS)
            if found.people:
                rows = [[each.get(name) or "" for name in columns] for each in members["people"]]
                self.stdout.write(write_table(columns, rows))
            self.stdout.write(_summarize(found))
        if not found.is_complete:
            sys.exit(DiagnosticStatus.REFUSED)


def _find(name: str, reach: Reach) -> WeekOfPeople:
    try:
        week = Week.parse(name)
    except ValueError:
        problem = f"{name} is not a week such as 2026-W23"
    else:
        try:
            return find_missing(reach, conf.issuer().url, week, conf.time_zone(), timezone.now())
        except WeekNotBegun:
            problem = f"{name} has not begun"
    raise CommandError(problem, returncode=DiagnosticStatus.USAGE)


def _summarize(found: WeekOfPeople) -> str:
    counts = Counter(each.status for each in found.people or ())
    counted = ", ".join(f"{count} {status}" for status, count in counts.items()) or "nobody is on a list"
    end = "" if found.has_ended else "; the week has not ended"
    return f"{found.week}, {found.week.monday} to {found.week.sunday}: {counted}{end}"
