"""Fill the database of a development server with hours to look at."""

import hashlib
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from timesheets import conf
from timesheets.exceptions import InvalidEntry
from timesheets.formats.days import Week, find_start_of_day
from timesheets.models import AssignmentList, Rejection, Timesheet, Upload
from timesheets.storage.entries import Entry
from timesheets.storage.ingest import ingest_upload
from timesheets.trust.principals import MachineClient
from timesheets_files import limits

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
        clients = settings.TIMESHEETS_DEVELOPMENT_CLIENTS[:3]
        if not settings.DEBUG or not clients:
            raise CommandError("Only a server with DEBUG and the development issuer gets example data.")
        if Timesheet.objects.exists() or AssignmentList.objects.exists():
            self.stdout.write("The database has entries or lists already. Nothing was changed.")
            return
        today = timezone.localdate(timezone=conf.time_zone())
        last_monday = Week.of(today).monday - _ONE_WEEK
        mondays = [last_monday - ago * _ONE_WEEK for ago in reversed(range(_WEEKS))]
        # The month before the last one is paid four days after it has ended.
        paid = (today.replace(day=1) - _ONE_DAY).replace(day=1) - _ONE_DAY
        # The same hours on every machine.
        chance = random.Random(7)  # noqa: S311
        people: dict[str, Mapping[str, int]] = {}
        for number, client in enumerate(clients, start=1):
            people[client] = {f"{number}{person:02}": hours for person, hours in enumerate(_HOURS_PER_DAY)}
            _set_list(client, people[client], mondays[0])
        corrections: dict[str, Sequence[Entry]] = dict.fromkeys(clients, ())
        for monday in mondays:
            if monday == Week.of(paid + 4 * _ONE_DAY).monday:
                call_command("payroll", f"{paid:%Y-%m}", "--through", str(paid))
            for client in clients:
                # The last client misses the last week.
                if (client, monday) != (clients[-1], last_monday):
                    entries = _list_week(people[client], monday, chance)
                    # Three rows of the second client's last file are wrong.
                    wrong = entries[:3] if (client, monday) == (clients[1], last_monday) else []
                    _store(client, [*entries, *corrections[client]], monday + _ONE_WEEK, wrong)
                    corrections[client] = _correct(*chance.sample(entries, 2))
        self.stdout.write(f"Stored {Timesheet.objects.count()} entries of {', '.join(clients)}.")


def _set_list(client: str, people: Mapping[str, int], first_day: date) -> None:
    rows = [f"{user_id},{first_day},{5 * hours}" for user_id, hours in people.items()]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "list.csv")
        file.write_text("\n".join(["user_id,from,hours_per_week", *rows]) + "\n")
        call_command("assignments", "set", client, str(file))


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


def _correct(longer: Entry, twice: Entry) -> Sequence[Entry]:
    return [
        longer._replace(revision=2, hours=longer.hours + 1, reason="Forgot the last hour"),
        twice._replace(revision=2, hours=Decimal(0), reason="Booked twice"),
    ]


def _store(client: str, entries: Sequence[Entry], day: date, wrong: Sequence[Entry]) -> None:
    sender = MachineClient(issuer=conf.issuer().url, client_id=client, subject=f"{client}@clients")
    receipt = Upload(
        label=f"{Week.of(day - _ONE_DAY)}.csv",
        token_id=None,
        request_id="example",
        media_type="text/csv",
        byte_count=40 * len(entries),
        sha256=hashlib.sha256(str(entries).encode()).hexdigest(),
        received=len(entries) + len(wrong),
        hours_received=sum((entry.hours for entry in entries), Decimal()),
    )
    rejections = [
        Rejection(
            index=index,
            line=index + 2,
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            code=InvalidEntry.default_code,
            errors=json.dumps({"hours": [limits.TOO_MANY_HOURS]}),
            entry=json.dumps(
                {"user_id": entry.user_id, "date": str(day - _ONE_DAY), "project": "Support", "hours": "75"}
            ),
        )
        for index, entry in enumerate(wrong, start=len(entries))
    ]
    received_at = find_start_of_day(str(day), conf.time_zone())
    ingest_upload(sender, entries, received_at, receipt, list_refused=lambda _: rejections)
