"""What is stored: the clients that upload, and their timesheets."""

from django.db import models


class Client(models.Model):
    """A client of an issuer, by a short key: each of its timesheets carries one."""

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="client_of_issuer"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} of {self.issuer}"


class Timesheet(models.Model):
    """An entry that a client uploaded. Rows are added; nothing changes them."""

    # The unique constraint's index begins with the client and serves the foreign key too.
    client = models.ForeignKey(Client, on_delete=models.PROTECT, db_index=False)
    # NULL where the client gave none: NULLs are all different, so such entries never collide.
    entry_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    user_id = models.CharField(max_length=64)
    date = models.DateTimeField()
    project = models.CharField(max_length=128)
    hours = models.DecimalField(max_digits=4, decimal_places=2)
    received_at = models.DateTimeField()
    # NULL where the token named no subject.
    subject = models.CharField(max_length=255, null=True)  # noqa: DJ001

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "entry_id"], name="entry_of_client"),
        ]
        # For reading back. It grows at one edge for each client, which makes it the cheapest there can be.
        indexes = [models.Index(fields=["client", "id"], name="timesheet_of_client")]

    def __str__(self) -> str:
        return f"timesheet {self.pk}"
