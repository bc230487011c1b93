import django.db.models.deletion
from django.db import migrations, models


class CreateModelOnce(migrations.CreateModel):
    """Create the table and its index together, unless an interrupted run did.

    An atomic migration would hold SQLite's write lock while Django checks every foreign key in the database:
    seconds with many rows. So only this operation is a transaction.
    """

    atomic = True

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.collect_sql or not self._exists(app_label, schema_editor, to_state):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            for statement in schema_editor.deferred_sql:
                schema_editor.execute(statement)
            schema_editor.deferred_sql.clear()

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.collect_sql or self._exists(app_label, schema_editor, from_state):
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _exists(self, app_label, schema_editor, state):
        table = state.apps.get_model(app_label, self.name)._meta.db_table
        return table in schema_editor.connection.introspection.table_names()


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('timesheets', '0003_usage'),
    ]

    operations = [
        CreateModelOnce(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.client')),
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
            ],
            options={
                'indexes': [models.Index(fields=['client', 'id'], name='upload_of_client')],
            },
        ),
    ]
