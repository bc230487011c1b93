"""The clients, their uploads and entries, what runs paid of them, and what was used of their limits."""

from django.db import models


class Client(models.Model):
    """A client of an issuer. Its short key is in each of its timesheets."""

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    # Empty if its tokens name none. The database has the default, for the code of an older version.
    organization = models.CharField(max_length=255, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "client_id", "organization"], name="client_of_organization"
            ),
        ]

    def __str__(self) -> str:
        organization = f" for {self.organization}" if self.organization else ""
        return f"{self.client_id}{organization} of {self.issuer}"


class ClientStop(models.Model):
    """A decision that the tokens of a client are refused, or no longer. The newest one counts.

    Rows are only added. The client may never have uploaded anything.
    """

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    is_stopped = models.BooleanField()
    decided_at = models.DateTimeField()
    # The user of the operating system who ran the command.
    decided_by = models.CharField(max_length=255)

    class Meta:
        indexes = [models.Index(fields=["issuer", "client_id", "id"], name="stop_of_client")]


class AssignmentList(models.Model):
    """A list of assignments of a client. The newest one counts. Rows are only added.

    The client may never have uploaded anything.
    """

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    organization = models.CharField(max_length=255)
    # The CSV file. NULL if the list was removed.
    content = models.TextField(null=True)  # noqa: DJ001
    sha256 = models.CharField(max_length=64)
    decided_at = models.DateTimeField()
    # The user of the operating system who ran the command.
    decided_by = models.CharField(max_length=255)

    class Meta:
        indexes = [models.Index(fields=["issuer", "client_id", "organization", "id"], name="list_of_client")]


class Upload(models.Model):
    """The receipt of a committed upload of many entries. Rows are only added, never changed."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, db_index=False)
    # NULL if the client sent none.
    label = models.CharField(max_length=128, null=True)  # noqa: DJ001
    received_at = models.DateTimeField()
    # NULL if the token has none.
    subject = models.CharField(max_length=255, null=True)  # noqa: DJ001
    token_id = models.CharField(max_length=255, null=True)  # noqa: DJ001
    request_id = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    # Of the body as it was sent.
    byte_count = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    received = models.IntegerField()
    created = models.IntegerField()
    existing = models.IntegerField()
    rejected = models.IntegerField()
    hours_received = models.DecimalField(max_digits=8, decimal_places=2)
    hours_created = models.DecimalField(max_digits=8, decimal_places=2)
    hours_existing = models.DecimalField(max_digits=8, decimal_places=2)
    # NULL if the upload created no row.
    first_id = models.BigIntegerField(null=True)
    last_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["client", "id"], name="upload_of_client")]


class Rejection(models.Model):
    """An entry that a committed upload refused. Rows are only added, never changed."""

    pk = models.CompositePrimaryKey("upload_id", "index")
    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, db_index=False)
    # The position in the upload, from 0.
    index = models.IntegerField()
    # NULL in a format without lines.
    line = models.IntegerField(null=True)
    # NULL unless the upload was a workbook of which several sheets were read.
    sheet = models.CharField(max_length=64, null=True)  # noqa: DJ001
    status = models.IntegerField()
    code = models.CharField(max_length=64)
    # JSON as text, because JSON columns do not keep the order of members.
    errors = models.TextField()
    entry = models.TextField()


class Timesheet(models.Model):
    """An entry that a client uploaded, or a revision of one. Rows are only added, never changed.

    The revisions of a client's `entry_id` are 1, 2, 3 and so on. The highest one is current.
    """

    # The index of the unique constraint begins with the client, so it also serves the foreign key.
    client = models.ForeignKey(Client, on_delete=models.PROTECT, db_index=False)
    # NULL if the client sent none. NULLs all differ, so such entries never collide.
    entry_id = models.CharField(max_length=128, null=True)  # noqa: DJ001
    user_id = models.CharField(max_length=64)
    date = models.DateTimeField()
    project = models.CharField(max_length=128)
    # 0 withdraws the entry.
    hours = models.DecimalField(max_digits=4, decimal_places=2)
    # The database has the default, because the first revision is inserted without it.
    revision = models.IntegerField(db_default=1)
    # NULL for revision 1.
    reason = models.CharField(max_length=200, null=True)  # noqa: DJ001
    received_at = models.DateTimeField()
    # NULL if the token has no subject.
    subject = models.CharField(max_length=255, null=True)  # noqa: DJ001

    # NULL for an entry that was uploaded alone. The receipt is added after its rows, in the same transaction,
    # and a constraint would cost a third of an insert.
    upload = models.ForeignKey(
        Upload, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "entry_id", "revision"], name="revision_of_entry"),
        ]
        # For reading back. It is cheap, because it grows at one edge per client.
        indexes = [models.Index(fields=["client", "id"], name="timesheet_of_client")]


class Run(models.Model):
    """A run of payroll. Rows are only added. Its lines come first, and count only with it."""

    # The next number. A run that was killed leaves its number, and maybe lines, to the next one.
    id = models.BigIntegerField(primary_key=True)
    label = models.CharField(max_length=128, unique=True)
    through = models.DateField()
    # Entries with higher ids did not count.
    as_of = models.BigIntegerField()
    created_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64)
    # JSON as text, like `shares`: all rows of the holds, sorted.
    holds = models.TextField()
    # Of the CSV file.
    sha256 = models.CharField(max_length=64)
    # By the key of each client: where its lines begin, and their totals.
    shares = models.TextField()


class RunLine(models.Model):
    """The hours that a run pays for an employee's day on a project. A negative line takes hours back."""

    pk = models.CompositePrimaryKey("run_id", "position")
    # Constraints would cost half of an insert. Clients are never deleted, and the run is added last.
    run = models.ForeignKey(Run, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    # From 0 in the order of the file, so that the lines of a client are a range.
    position = models.IntegerField()
    client = models.ForeignKey(Client, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    user_id = models.CharField(max_length=64)
    day = models.DateField()
    project = models.CharField(max_length=128)
    hours = models.DecimalField(max_digits=12, decimal_places=2)
    paid_before = models.DecimalField(max_digits=12, decimal_places=2)
    pays = models.DecimalField(max_digits=12, decimal_places=2)
    kind = models.CharField(max_length=10)
    # The reason why it is not paid; NULL if it is.
    held = models.CharField(max_length=200, null=True)  # noqa: DJ001


class Usage(models.Model):
    """The used part of a limit in the period that began at `began_at`, in seconds since 1970."""

    key = models.CharField(max_length=80, primary_key=True)
    began_at = models.FloatField()
    count = models.IntegerField()
