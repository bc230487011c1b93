import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # A database that has only some of them is refused: timesheets.storage.schema.
    replaces = [
        ('timesheets', '0001_initial'),
        ('timesheets', '0002_timesheet_of_client'),
        ('timesheets', '0003_usage'),
        ('timesheets', '0004_upload'),
        ('timesheets', '0005_revision'),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('key', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('began_at', models.FloatField()),
                ('count', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500)),
                ('client_id', models.CharField(max_length=255)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('issuer', 'client_id'), name='client_of_issuer')],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(max_length=128, null=True)),
                ('received_at', models.DateTimeField()),
                ('subject', models.CharField(max_length=255, null=True)),
                ('token_id', models.CharField(max_length=255, null=True)),
                ('request_id', models.CharField(max_length=64)),
                ('media_type', models.CharField(max_length=64)),
                ('byte_count', models.IntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('received', models.IntegerField()),
                ('created', models.IntegerField()),
                ('existing', models.IntegerField()),
                ('rejected', models.IntegerField()),
                ('hours_received', models.DecimalField(decimal_places=2, max_digits=8)),
                ('hours_created', models.DecimalField(decimal_places=2, max_digits=8)),
                ('hours_existing', models.DecimalField(decimal_places=2, max_digits=8)),
                ('first_id', models.BigIntegerField(null=True)),
                ('last_id', models.BigIntegerField(null=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.client')),
            ],
            options={
                'indexes': [models.Index(fields=['client', 'id'], name='upload_of_client')],
            },
        ),
        migrations.CreateModel(
            name='Timesheet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry_id', models.CharField(max_length=128, null=True)),
                ('user_id', models.CharField(max_length=64)),
                ('date', models.DateTimeField()),
                ('project', models.CharField(max_length=128)),
                ('hours', models.DecimalField(decimal_places=2, max_digits=4)),
                ('revision', models.IntegerField(db_default=1)),
                ('reason', models.CharField(max_length=200, null=True)),
                ('received_at', models.DateTimeField()),
                ('subject', models.CharField(max_length=255, null=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.client')),
                ('upload', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='timesheets.upload')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('client', 'entry_id', 'revision'), name='revision_of_entry')],
                'indexes': [models.Index(fields=['client', 'id'], name='timesheet_of_client')],
            },
        ),
    ]
