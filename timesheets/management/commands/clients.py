"""List the clients, give them other names, refuse or accept their tokens."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from timesheets import conf
from timesheets.management.command_line import ExitStatus, OperatorCommand, find_operator, write_table
from timesheets.models import Client, ClientStop
from timesheets.storage.clients import NotMovable, list_clients, move_clients

_COLUMNS = ("issuer", "client", "organization", "entries", "last_received_at")


class Command(OperatorCommand):
    help = """\
List the clients that have uploaded, give them other names, or refuse their tokens. Run it with the
database role that owns the tables."""
    exit_statuses = {ExitStatus.REFUSED: "nothing was renamed, for the reason that is printed"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="list the clients as one JSON array")
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        move = actions.add_parser("move", help="give the clients of an issuer other names")
        move.add_argument("old_issuer", metavar="OLD_ISSUER")
        move.add_argument("new_issuer", metavar="NEW_ISSUER", help="may be the old one")
        move.add_argument("--client", metavar="ID", help="move only this client")
        move.add_argument("--to", metavar="ID", help="its new id; needs --client")
        move.add_argument(
            "--to-organization",
            metavar="ORG",
            help="move only the client without organization to this one; needs --client",
        )
        move.add_argument("--dry-run", action="store_true", help="show what would be renamed")
        for action, effect in (("stop", "refuse its tokens within two seconds"), ("start", "end that")):
            each = actions.add_parser(action, help=effect)
            each.add_argument("client", metavar="CLIENT", help="its client id, in every organization")

    def handle(self, *_: Any, **options: Any) -> None:
        match options["action"]:
            case "move":
                self._move(options)
            case "stop" | "start":
                self._decide(options["client"], is_stopped=options["action"] == "stop")
            case _:
                self._list(as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        rows = [
            (*key, entries, last_received_at and last_received_at.isoformat())
            for *key, entries, last_received_at in list_clients()
        ]
        if as_json:
            listed = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
            self.stdout.write(json.dumps(listed, indent=2))
        else:
            self.stdout.write(write_table(_COLUMNS, rows))

    def _move(self, options: dict[str, Any]) -> None:
        if options["client"] is None and (options["to"], options["to_organization"]) != (None, None):
            raise CommandError("--to and --to-organization need --client", returncode=ExitStatus.USAGE)
        selection = {"issuer": options["old_issuer"], "client_id": options["client"]}
        names = {"issuer": options["new_issuer"], "client_id": options["to"]}
        if options["to_organization"] is not None:
            selection["organization"], names["organization"] = "", options["to_organization"]
        selection, names = (
            {name: value for name, value in each.items() if value is not None} for each in (selection, names)
        )
        try:
            renamed = move_clients(selection, names, dry_run=options["dry_run"])
        except NotMovable as error:
            raise CommandError(str(error), returncode=ExitStatus.REFUSED) from None
        moved = "Would move" if options["dry_run"] else "Moved"
        for old, new in renamed:
            self.stdout.write(f"{moved} {' '.join(filter(None, old))} -> {' '.join(filter(None, new))}")

    def _decide(self, client_id: str, *, is_stopped: bool) -> None:
        issuer = conf.issuer().url
        decision = {"is_stopped": is_stopped, "decided_at": timezone.now(), "decided_by": find_operator()}
        ClientStop.objects.create(issuer=issuer, client_id=client_id, **decision)
        verb = "refuses" if is_stopped else "accepts"
        self.stdout.write(f"Within two seconds, the API {verb} the tokens of {client_id} of {issuer}.")
        if not Client.objects.filter(issuer=issuer, client_id=client_id).exists():
            self.stdout.write("No client with this id has uploaded anything yet. Check that it is right.")
