from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('timesheets', '0007_client_policy'),
    ]

    operations = [
        migrations.AlterField(
            model_name='upload',
            name='media_type',
            field=models.CharField(max_length=100),
        ),
    ]
