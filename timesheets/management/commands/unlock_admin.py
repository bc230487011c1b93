"""Let everyone try to sign in to the admin again."""

from typing import Any

from django.core.management.base import BaseCommand

from timesheets.storage.rate_limits import Kind, forget


class Command(BaseCommand):
    help = (
        "Forget all failed attempts to sign in to the admin, so that everyone can try again at once. "
        "Without this command, they are forgotten after 15 minutes."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        forget(Kind.ADMIN_SIGN_IN)
        self.stdout.write("Everyone can try to sign in to the admin again.")
