from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('timesheets', '0006_rejection'),
    ]

    operations = [
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
        ),
        migrations.RemoveConstraint(
            model_name='client',
            name='client_of_issuer',
        ),
        migrations.AddField(
            model_name='client',
            name='organization',
            field=models.CharField(db_default='', max_length=255),
        ),
        migrations.AddConstraint(
            model_name='client',
            constraint=models.UniqueConstraint(fields=('issuer', 'client_id', 'organization'), name='client_of_organization'),
        ),
        migrations.AddIndex(
            model_name='assignmentlist',
            index=models.Index(fields=['issuer', 'client_id', 'organization', 'id'], name='list_of_client'),
        ),
        migrations.AddIndex(
            model_name='clientstop',
            index=models.Index(fields=['issuer', 'client_id', 'id'], name='stop_of_client'),
        ),
    ]
