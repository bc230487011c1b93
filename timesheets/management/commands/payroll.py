"""Pay the hours up to a day, once."""

from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from timesheets import conf
from timesheets.management.command_line import ExitStatus, OperatorCommand, read_policy_file, write_table
from timesheets.models import Client, Run
from timesheets.storage.run_lines import LABEL, add_up, read_shares, write_hours
from timesheets.storage.runs import Holds, RunRefused, Write, add_run, read_holds
from timesheets_files.limits import ENTRY_ID_CHARACTERS


class Command(OperatorCommand):
    help = """\
Add a run: what payroll pays now, which is the current hours up to DATE minus what earlier runs paid.
The same command again shows the same run. Run it with the database role that owns the tables."""
    exit_statuses = {ExitStatus.REFUSED: "nothing was added, for the reason that is printed"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("label", metavar="LABEL", type=_read_label, help="the name of the run")
        parser.add_argument(
            "--through",
            metavar="DATE",
            type=date.fromisoformat,
            required=True,
            help="the last day that is paid",
        )
        parser.add_argument(
            "--as-of", metavar="ID", type=int, help="the last entry that counts; by default the newest"
        )
        parser.add_argument(
            "--hold",
            metavar="FILE",
            help="do not pay these yet: a CSV of client, organization, user_id, reason; - is standard input",
        )
        parser.add_argument("--csv", metavar="FILE", type=Path, help="write the lines to FILE")
        parser.add_argument("--dry-run", action="store_true", help="show what would be paid, and add nothing")

    def handle(self, *_: Any, **options: Any) -> None:
        zone = conf.time_zone()
        if options["through"] > timezone.localdate(timezone=zone):
            raise CommandError("--through: is in the future", returncode=ExitStatus.USAGE)
        run = Run(
            label=options["label"],
            through=options["through"],
            as_of=options["as_of"],
            created_at=timezone.now(),
            time_zone=zone.key,
        )
        name = options["hold"]
        holds = Holds() if name is None else read_policy_file(name, read_holds)[1]
        try:
            with _replaced(options["csv"]) as write:
                run = add_run(run, holds, write, dry_run=options["dry_run"])
        except RunRefused as refused:
            raise CommandError(str(refused), returncode=ExitStatus.REFUSED) from None
        self._show(run)

    def _show(self, run: Run) -> None:
        is_stored = not run._state.adding  # noqa: SLF001  Django documents it.
        added = f"added {run.created_at.isoformat(timespec='seconds')}" if is_stored else "not added"
        self.stdout.write(f"{run.label}, {added}: through {run.through} ({run.time_zone}), as of {run.as_of}")
        shares = read_shares(run)
        rows = [
            (owner.client_id, owner.organization, *_describe(shares[owner.pk]))
            for owner in Client.objects.in_bulk(list(shares)).values()
        ]
        total = ("total", "", *_describe(add_up(shares)))
        header = ("client", "organization", "lines", "hours", "held")
        self.stdout.write(write_table(header, [*sorted(rows), total]))
        self.stdout.write(f"SHA-256 of the lines as CSV: {run.sha256}")
        if not is_stored:
            self.stdout.write(f"To pay this, leave out --dry-run and add --as-of {run.as_of}.")


def _describe(share: Counter[str]) -> tuple[str, ...]:
    return (str(share["lines"]), write_hours(share["hours"]), write_hours(share["held"]))


def _read_label(text: str) -> str:
    if not LABEL.fullmatch(text):
        raise ArgumentTypeError(f"must begin with a letter or digit, and have {ENTRY_ID_CHARACTERS}")
    return text


@contextmanager
def _replaced(path: Path | None) -> Iterator[Write]:
    """A writer of the file's new content, which the file gets at the end of the block, or not at all."""
    if path is None:
        yield lambda _: None
        return
    # What a link names is replaced, not the link.
    path = path.resolve()
    try:
        if path.exists() and not path.is_file():
            raise CommandError(f"{path}: is no regular file", returncode=ExitStatus.USAGE)
        with TemporaryDirectory(dir=path.parent, prefix="payroll-") as folder:
            new = Path(folder, path.name)
            # Only the user who runs this may read it.
            new.touch(mode=0o600)
            with new.open("wb") as file:
                yield file.write
            new.replace(path)
    except OSError as error:
        message = f"{error.filename or path}: {error.strerror}"
        raise CommandError(message, returncode=ExitStatus.USAGE) from None
