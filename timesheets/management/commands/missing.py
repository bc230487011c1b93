"""Show who has no hours, or too few, in a week."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from timesheets import conf
from timesheets.formats.days import Week
from timesheets.management.command_line import ExitStatus, OperatorCommand, write_table
from timesheets.renderers import CLIENT_COLUMNS, PERSON_COLUMNS
from timesheets.serializers import represent_people
from timesheets.storage.missing import Status, WeekNotBegun, find_missing
from timesheets.storage.rows import Reach


class Command(OperatorCommand):
    help = "Show who has no hours, or too few, in a week, of all clients that have a list of assignments."
    exit_statuses = {
        ExitStatus.GOOD: "no employee is missing or short, or there is no list",
        ExitStatus.USAGE: "wrong usage, or the week has not begun",
        ExitStatus.REFUSED: "an employee is missing or short",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("week", metavar="WEEK", help="such as 2026-W23")
        parser.add_argument("--client", metavar="CLIENT", help="only this client id, in every organization")
        parser.add_argument("--json", action="store_true", help="print what GET /missing returns")

    def handle(self, *_: Any, **options: Any) -> None:
        name, client_ids = options["client"], [options["client"]] if options["client"] else []
        try:
            week, reach = Week.parse(options["week"]), Reach(own=None, client_ids=client_ids)
            people, has_ended = find_missing(reach, conf.issuer().url, week, conf.time_zone(), timezone.now())
        except (ValueError, WeekNotBegun):
            problem = f"{options['week']} is not a week that has begun, such as 2026-W23"
            raise CommandError(problem, returncode=ExitStatus.USAGE) from None
        members = represent_people(week, people, has_ended, names_clients=True)
        if options["json"]:
            self.stdout.write(json.dumps(members, indent=2))
        elif people is None:
            self.stdout.write(f"{name} has no list." if name else "No client has a list.")
        else:
            columns = (*PERSON_COLUMNS, *CLIENT_COLUMNS)
            rows = [[person.get(column) for column in columns] for person in members["people"]]
            self.stdout.write(write_table(columns, rows))
        if any(each.status in (Status.MISSING, Status.SHORT) for each in people or ()):
            sys.exit(ExitStatus.REFUSED)
