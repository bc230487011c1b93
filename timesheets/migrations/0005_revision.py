"""Make the revision part of the unique key of entries, while processes of both versions upload.

Every step can be repeated, so an interrupted migration continues when it is run again.
"""

import shutil
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django.db.models.deletion
from django.core.management.base import CommandError
from django.db import IntegrityError, OperationalError, migrations, models
from django.db.transaction import atomic

TABLE = 'timesheets_timesheet'

REVISIONS_EXIST = (
    'There are corrected entries, and the tables of the version before hold one revision of each. '
    'Nothing was changed.'
)


class WidenKey(migrations.SeparateDatabaseAndState):
    def describe(self):
        return 'Add revision, reason and upload to timesheet, and the revision to its unique key'

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == 'postgresql':
            widen_in_postgresql(schema_editor)
        else:
            rebuild_in_sqlite(schema_editor, *get_models(app_label, from_state, to_state))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == 'postgresql':
            narrow_in_postgresql(schema_editor)
        else:
            narrow_in_sqlite(schema_editor, *get_models(app_label, from_state, to_state))


def get_models(app_label, *states):
    return [state.apps.get_model(app_label, 'timesheet') for state in states]


def require_single_revisions(schema_editor):
    if fetch(schema_editor, f'SELECT EXISTS (SELECT 1 FROM {TABLE} WHERE revision > 1)'):
        raise CommandError(REVISIONS_EXIST)


def fetch(schema_editor, query):
    """The first column of the first row. None without a row, and for `sqlmigrate`, which needs no database."""
    if schema_editor.collect_sql:
        return None
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row and row[0]


# PostgreSQL: build the new key next to the old one, then exchange them in one statement.

def widen_in_postgresql(schema_editor):
    schema_editor.execute(
        f'ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS revision integer DEFAULT 1 NOT NULL, '
        'ADD COLUMN IF NOT EXISTS reason varchar(200) NULL, '
        'ADD COLUMN IF NOT EXISTS upload_id bigint NULL'
    )
    if not is_constraint(schema_editor, 'revision_of_entry'):
        build_index(schema_editor, 'revision_of_entry', 'client_id, entry_id, revision')
        schema_editor.execute(
            f'ALTER TABLE {TABLE} ADD CONSTRAINT revision_of_entry UNIQUE USING INDEX revision_of_entry, '
            'DROP CONSTRAINT entry_of_client'
        )


def narrow_in_postgresql(schema_editor):
    if not is_constraint(schema_editor, 'entry_of_client'):
        try:
            require_single_revisions(schema_editor)
            # From here on, no second revision can be stored.
            build_index(schema_editor, 'entry_of_client', 'client_id, entry_id')
            schema_editor.execute(
                f'ALTER TABLE {TABLE} ADD CONSTRAINT entry_of_client UNIQUE USING INDEX entry_of_client, '
                'DROP CONSTRAINT revision_of_entry, '
                'DROP COLUMN revision, DROP COLUMN reason, DROP COLUMN upload_id'
            )
        except BaseException as error:
            # The index would refuse corrections until someone tries again.
            execute_patiently(schema_editor, 'DROP INDEX CONCURRENTLY IF EXISTS entry_of_client')
            if isinstance(error, IntegrityError):
                raise CommandError(REVISIONS_EXIST) from None
            raise


def is_constraint(schema_editor, index):
    return fetch(schema_editor, f"SELECT 1 FROM pg_constraint WHERE conindid = to_regclass('{index}')")


def build_index(schema_editor, name, columns):
    """Build a unique index while uploads go on, unless there is a complete one."""
    is_complete = f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{name}')"
    if not fetch(schema_editor, is_complete):
        execute_patiently(
            schema_editor,
            f'DROP INDEX CONCURRENTLY IF EXISTS {name}',
            f'CREATE UNIQUE INDEX CONCURRENTLY {name} ON {TABLE} ({columns})',
        )


def execute_patiently(schema_editor, *statements):
    """For statements that wait for every older transaction, a backup's too, and let nobody wait."""
    for statement in ('SET lock_timeout = 0', *statements, 'RESET lock_timeout'):
        schema_editor.execute(statement)


# SQLite cannot change a constraint, so a copy takes the place of the table. Rows are only ever added, so the copy
# is filled in the order of their ids. Each turn is a short transaction, and uploads get theirs in between.

COPY, REPLACED = f'{TABLE}_copy', f'{TABLE}_replaced'
INDEX = 'timesheet_of_client'
# How long uploads wait for a turn of the migration, and how long it then leaves the database to them.
TURN_SECONDS = 0.1
PAUSE_SECONDS = 0.05
STEP = 1000
MAX_WAIT_SECONDS = 60
# As for uploads. Without it, each row with a random id reads from disk.
CACHE_KIB = 64_000
MAX_LOG_BYTES = 100_000_000


def narrow_in_sqlite(schema_editor, old_model, new_model):
    try:
        if 'revision' in list_columns(schema_editor, TABLE):
            require_single_revisions(schema_editor)
        rebuild_in_sqlite(schema_editor, old_model, new_model)
    except (CommandError, IntegrityError) as error:
        discard(schema_editor, COPY)
        if isinstance(error, IntegrityError):
            raise CommandError(REVISIONS_EXIST) from None
        raise


def rebuild_in_sqlite(schema_editor, old_model, new_model):
    """Give the table the columns and the constraint of the new model."""
    if schema_editor.collect_sql:
        schema_editor.collected_sql.append(f'-- Copy {TABLE} in short transactions, and replace it with the copy.')
        return
    schema_editor.execute(f'PRAGMA cache_size = -{CACHE_KIB}')
    columns = [field.column for field in new_model._meta.local_fields]
    if list_columns(schema_editor, TABLE) != set(columns):
        if not list_columns(schema_editor, COPY):
            require_disk_space(schema_editor)
            create_copy(schema_editor, new_model)
        shared = [field.column for field in old_model._meta.local_fields if field.column in columns]
        copy_and_replace(schema_editor, ', '.join(shared))
    discard(schema_editor, REPLACED)


def list_columns(schema_editor, table):
    """The names of its columns. Empty if the table does not exist."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM pragma_table_info('{table}')")
        return {name for name, in cursor.fetchall()}


def require_disk_space(schema_editor):
    """For the copy and the write-ahead log. If the disk became full halfway, uploads would fail too."""
    path = find_file(schema_editor)
    unused = fetch(schema_editor, 'PRAGMA freelist_count')
    used = fetch(schema_editor, 'PRAGMA page_count') - unused
    required = int(used * 1.5 - unused) * fetch(schema_editor, 'PRAGMA page_size')
    free = shutil.disk_usage(Path(path).parent).free
    if path and free < required:
        raise CommandError(
            f'The disk of {path} has {free >> 20} MiB left, and this migration needs {required >> 20} MiB. '
            'Nothing was changed. Make room and run it again.'
        )


def find_file(schema_editor):
    """The path of the database. Empty if it is in memory."""
    return fetch(schema_editor, "SELECT file FROM pragma_database_list WHERE name = 'main'")


def create_copy(schema_editor, model):
    table, _ = schema_editor.table_sql(model)
    [index] = [index.create_sql(model, schema_editor) for index in model._meta.indexes]
    with take_turn(schema_editor):
        for statement in (table, str(index)):
            named = statement.replace(f'"{TABLE}"', f'"{COPY}"').replace(f'"{INDEX}"', f'"{INDEX}_copy"')
            schema_editor.execute(named, None)


def copy_and_replace(schema_editor, columns):
    """Fill the copy. With its last rows, in the same transaction, it takes the place of the table."""
    repeat_in_turns(
        schema_editor,
        f'INSERT INTO {COPY} ({columns}) SELECT {columns} FROM {TABLE} '
        f'WHERE id > (SELECT COALESCE(MAX(id), 0) FROM {COPY}) ORDER BY id LIMIT {STEP}',
        lambda: replace_table(schema_editor),
    )


def replace_table(schema_editor):
    for statement in (
        # The next id, which may be more than one above the last.
        f"DELETE FROM sqlite_sequence WHERE name = '{COPY}'",
        f"INSERT INTO sqlite_sequence (name, seq) SELECT '{COPY}', seq FROM sqlite_sequence WHERE name = '{TABLE}'",
    ):
        schema_editor.execute(statement)
    exchange_indexes(schema_editor)
    # They also load the changed names of the indexes, in this process and in all others.
    schema_editor.execute(f'ALTER TABLE {TABLE} RENAME TO {REPLACED}')
    schema_editor.execute(f'ALTER TABLE {COPY} RENAME TO "{TABLE}"')


def exchange_indexes(schema_editor):
    """Give the copy's index the name that queries use.

    SQLite has no statement for it, so this writes it where ALTER TABLE writes. Some builds, such as that of
    macOS, forbid it. There the index is built again, in seconds for ten million rows.
    """
    try:
        schema_editor.execute('PRAGMA writable_schema = ON')
        rename_index(schema_editor, INDEX, f'{INDEX}_replaced')
        rename_index(schema_editor, f'{INDEX}_copy', INDEX)
    except OperationalError:
        schema_editor.execute(f'DROP INDEX {INDEX}')
        schema_editor.execute(f'DROP INDEX {INDEX}_copy')
        schema_editor.execute(f'CREATE INDEX "{INDEX}" ON "{COPY}" ("client_id", "id")')
    finally:
        schema_editor.execute('PRAGMA writable_schema = OFF')


def rename_index(schema_editor, old, new):
    schema_editor.execute(
        f"UPDATE sqlite_master SET name = '{new}', sql = replace(sql, '\"{old}\"', '\"{new}\"') "
        f"WHERE type = 'index' AND name = '{old}'"
    )


def discard(schema_editor, table):
    """Drop a table. A DROP of ten million rows alone would lock the database for longer than uploads wait."""
    if list_columns(schema_editor, table):
        repeat_in_turns(
            schema_editor,
            f'DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT {STEP})',
            lambda: schema_editor.execute(f'DROP TABLE {table}'),
        )


def repeat_in_turns(schema_editor, statement, finish):
    """Run a statement that handles STEP rows until none are left, and `finish` in the last transaction."""
    while not run_for_a_turn(schema_editor, statement, finish):
        time.sleep(PAUSE_SECONDS)


def run_for_a_turn(schema_editor, statement, finish):
    """True if no rows are left, and `finish` has run."""
    with take_turn(schema_editor), schema_editor.connection.cursor() as cursor:
        end = time.monotonic() + TURN_SECONDS
        cursor.execute(statement)
        while cursor.rowcount == STEP:
            if time.monotonic() > end:
                return False
            cursor.execute(statement)
        finish()
        return True


@contextmanager
def take_turn(schema_editor):
    """A transaction. Tries to begin it every millisecond: SQLite itself would sleep for up to 100."""
    timeout = fetch(schema_editor, 'PRAGMA busy_timeout')
    schema_editor.execute('PRAGMA busy_timeout = 0')
    try:
        with ExitStack() as stack:
            begin(schema_editor, stack)
            yield
        bound_log(schema_editor)
    finally:
        schema_editor.execute(f'PRAGMA busy_timeout = {timeout}')


def bound_log(schema_editor):
    """While several processes write all the time, none finds the moment at which SQLite can use its log again."""
    log = Path(f'{find_file(schema_editor)}-wal')
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        schema_editor.execute('PRAGMA wal_checkpoint(TRUNCATE)')


def begin(schema_editor, stack):
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            return stack.enter_context(atomic(schema_editor.connection.alias))
        except OperationalError as error:
            if 'locked' not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.001)


class Migration(migrations.Migration):

    # Each statement commits on its own, or in one of the short transactions above.
    atomic = False

    dependencies = [
        ('timesheets', '0004_upload'),
    ]

    operations = [
        WidenKey(
            state_operations=[
                migrations.AddField(
                    model_name='timesheet',
                    name='revision',
                    field=models.IntegerField(db_default=1),
                ),
                migrations.AddField(
                    model_name='timesheet',
                    name='reason',
                    field=models.CharField(max_length=200, null=True),
                ),
                migrations.AddField(
                    model_name='timesheet',
                    name='upload',
                    field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='timesheets.upload'),
                ),
                migrations.RemoveConstraint(
                    model_name='timesheet',
                    name='entry_of_client',
                ),
                migrations.AddConstraint(
                    model_name='timesheet',
                    constraint=models.UniqueConstraint(fields=('client', 'entry_id', 'revision'), name='revision_of_entry'),
                ),
            ],
        ),
    ]
