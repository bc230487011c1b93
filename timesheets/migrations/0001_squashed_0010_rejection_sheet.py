import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # A database that has only some of them is refused: timesheets.storage.availability.
    replaces = [
        ('timesheets', '0001_initial'),
        ('timesheets', '0002_timesheet_of_client'),
        ('timesheets', '0003_usage'),
        ('timesheets', '0004_upload'),
        ('timesheets', '0005_revision'),
        ('timesheets', '0006_rejection'),
        ('timesheets', '0007_client_policy'),
        ('timesheets', '0008_media_type'),
        ('timesheets', '0009_run'),
        ('timesheets', '0010_rejection_sheet'),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=128, unique=True)),
                ('through', models.DateField()),
                ('as_of', models.BigIntegerField()),
                ('created_at', models.DateTimeField()),
                ('time_zone', models.CharField(max_length=64)),
                ('holds', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('shares', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('key', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('began_at', models.FloatField()),
                ('count', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='AssignmentList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500)),
                ('client_id', models.CharField(max_length=255)),
                ('organization', models.CharField(max_length=255)),
                ('content', models.TextField(null=True)),
                ('sha256', models.CharField(max_length=64)),
                ('decided_at', models.DateTimeField()),
                ('decided_by', models.CharField(max_length=255)),
            ],
            options={
                'indexes': [models.Index(fields=['issuer', 'client_id', 'organization', 'id'], name='list_of_client')],
            },
        ),
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500)),
                ('client_id', models.CharField(max_length=255)),
                ('organization', models.CharField(db_default='', max_length=255)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('issuer', 'client_id', 'organization'), name='client_of_organization')],
            },
        ),
        migrations.CreateModel(
            name='ClientStop',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=500)),
                ('client_id', models.CharField(max_length=255)),
                ('is_stopped', models.BooleanField()),
                ('decided_at', models.DateTimeField()),
                ('decided_by', models.CharField(max_length=255)),
            ],
            options={
                'indexes': [models.Index(fields=['issuer', 'client_id', 'id'], name='stop_of_client')],
            },
        ),
        migrations.CreateModel(
            name='RunLine',
            fields=[
                ('pk', models.CompositePrimaryKey('run_id', 'position', blank=True, editable=False, primary_key=True, serialize=False)),
                ('position', models.IntegerField()),
                ('user_id', models.CharField(max_length=64)),
                ('day', models.DateField()),
                ('project', models.CharField(max_length=128)),
                ('hours', models.DecimalField(decimal_places=2, max_digits=12)),
                ('paid_before', models.DecimalField(decimal_places=2, max_digits=12)),
                ('pays', models.DecimalField(decimal_places=2, max_digits=12)),
                ('kind', models.CharField(max_length=10)),
                ('held', models.CharField(max_length=200, null=True)),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.client')),
                ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.run')),
            ],
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
                ('media_type', models.CharField(max_length=100)),
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
        migrations.CreateModel(
            name='Rejection',
            fields=[
                ('pk', models.CompositePrimaryKey('upload_id', 'index', blank=True, editable=False, primary_key=True, serialize=False)),
                ('index', models.IntegerField()),
                ('line', models.IntegerField(null=True)),
                ('sheet', models.CharField(max_length=64, null=True)),
                ('status', models.IntegerField()),
                ('code', models.CharField(max_length=64)),
                ('errors', models.TextField()),
                ('entry', models.TextField()),
                ('upload', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.upload')),
            ],
        ),
    ]
