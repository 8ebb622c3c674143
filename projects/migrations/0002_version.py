from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="version",
            field=models.IntegerField(db_default=1, default=1, editable=False),
        ),
    ]
