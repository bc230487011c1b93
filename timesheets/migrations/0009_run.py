import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('timesheets', '0008_media_type'),
    ]

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
    ]
