"""Fill the database of a development server with hours to look at."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from timesheets import conf
from timesheets.formats.days import Week, find_start_of_day
from timesheets.models import AssignmentList, Timesheet, Upload
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import ClientKey, MachineClient

# They can get tokens from the development issuer.
_CLIENTS = ("payroll", "agency", "studio")
_WEEKS = 13
_PROJECTS = ("StoreZero", "Intranet", "Support")
# Of each client's ten people.
_HOURS_PER_DAY = (8, 8, 8, 8, 8, 8, 8, 4, 4, 4)
_ONE_DAY, _ONE_WEEK = timedelta(days=1), timedelta(days=7)


class Command(BaseCommand):
    help = """\
Store three months of hours of three clients and thirty people, with corrections and a finished run.
Only for a development server, and only if its database has neither entries nor lists."""

    def handle(self, *_: Any, **__: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Only a server with DEBUG gets example data.")
        if Timesheet.objects.exists() or AssignmentList.objects.exists():
            self.stdout.write("The database has entries or lists already. Nothing was changed.")
            return
        today = timezone.localdate(timezone=conf.time_zone())
        mondays = [Week.of(today).monday - ago * _ONE_WEEK for ago in range(_WEEKS, 0, -1)]
        # The same hours on every machine.
        chance = random.Random(7)  # noqa: S311
        for number, client in enumerate(_CLIENTS, start=1):
            people = {f"{number}{person:02}": hours for person, hours in enumerate(_HOURS_PER_DAY)}
            rows = (f"{user_id},{mondays[0]},{5 * hours}\n" for user_id, hours in people.items())
            AssignmentList.objects.create(
                **ClientKey(conf.issuer().url, client, "")._asdict(),
                content=f"user_id,from,hours_per_week\n{''.join(rows)}",
                decided_at=timezone.now(),
                decided_by="example",
            )
            corrections: list[Entry] = []
            # The last client misses the last week.
            for monday in mondays[: -1 if client == _CLIENTS[-1] else None]:
                entries = _list_week(people, monday, chance)
                _store(client, [*entries, *corrections], monday)
                longer, twice = chance.sample(entries, 2)
                corrections = [
                    longer._replace(revision=2, hours=longer.hours + 1, reason="Forgot the last hour"),
                    twice._replace(revision=2, hours=Decimal(0), reason="Booked twice"),
                ]
        # The month before the last one.
        paid = (today.replace(day=1) - _ONE_DAY).replace(day=1) - _ONE_DAY
        call_command("payroll", f"{paid:%Y-%m}", "--through", str(paid))
        self.stdout.write(f"Stored {Timesheet.objects.count()} entries of {', '.join(_CLIENTS)}.")


def _list_week(people: Mapping[str, int], monday: date, chance: random.Random) -> list[Entry]:
    """Nearly all that the people were to work."""
    return [
        Entry(
            user_id=user_id,
            date=find_start_of_day(str(day), conf.time_zone()),
            project=chance.choice(_PROJECTS),
            hours=hours + chance.choice((Decimal(0), Decimal("0.5"))),
            entry_id=f"{day}:{user_id}",
        )
        for user_id, hours in people.items()
        for day in Week.of(monday).days[:5]
        if chance.random() < 0.99
    ]


def _store(client: str, entries: list[Entry], monday: date) -> None:
    sender = MachineClient(issuer=conf.issuer().url, client_id=client, subject=f"{client}@clients")
    receipt = Upload(
        label=f"{Week.of(monday)}.csv",
        request_id="example",
        media_type="text/csv",
        byte_count=40 * len(entries),
        received=len(entries),
        hours_received=sum(entry.hours for entry in entries),
    )
    ingest_upload(sender, entries, find_start_of_day(str(monday + _ONE_WEEK), conf.time_zone()), receipt)
