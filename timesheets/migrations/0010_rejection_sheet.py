from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('timesheets', '0009_run'),
    ]

    operations = [
        migrations.AddField(
            model_name='rejection',
            name='sheet',
            field=models.CharField(max_length=64, null=True),
        ),
    ]
