"""The clients that upload, the entries that they uploaded, and what was used of their limits."""

from django.db import models


class Client(models.Model):
    """A client of an issuer. Its short key is in each of its timesheets."""

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="client_of_issuer"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} of {self.issuer}"


class Timesheet(models.Model):
    """An entry that a client uploaded. Rows are only added, never changed."""

    # The index of the unique constraint begins with the client, so it also serves the foreign key.
    client = models.ForeignKey(Client, on_delete=models.PROTECT, db_index=False)
    # NULL if the client sent none. NULLs all differ, so such entries never collide.
    entry_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    user_id = models.CharField(max_length=64)
    date = models.DateTimeField()
    project = models.CharField(max_length=128)
    hours = models.DecimalField(max_digits=4, decimal_places=2)
    received_at = models.DateTimeField()
    # NULL if the token has no subject.
    subject = models.CharField(max_length=255, null=True)  # noqa: DJ001

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "entry_id"], name="entry_of_client"),
        ]
        # For reading back. It is cheap, because it grows at one edge per client.
        indexes = [models.Index(fields=["client", "id"], name="timesheet_of_client")]

    def __str__(self) -> str:
        return f"timesheet {self.pk}"


class Usage(models.Model):
    """How much of a limit was used in the period that began at `began_at`, in seconds since 1970."""

    key = models.CharField(max_length=80, primary_key=True)
    began_at = models.FloatField()
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.count} of {self.key}"
