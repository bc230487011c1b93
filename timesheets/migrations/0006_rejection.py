import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('timesheets', '0001_squashed_0005_revision'),
    ]

    operations = [
        migrations.CreateModel(
            name='Rejection',
            fields=[
                ('pk', models.CompositePrimaryKey('upload_id', 'index', blank=True, editable=False, primary_key=True, serialize=False)),
                ('upload', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='timesheets.upload')),
                ('index', models.IntegerField()),
                ('line', models.IntegerField(null=True)),
                ('status', models.IntegerField()),
                ('code', models.CharField(max_length=64)),
                ('errors', models.TextField()),
                ('entry', models.TextField()),
            ],
        ),
    ]
