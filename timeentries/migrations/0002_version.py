from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("timeentries", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="timeentry",
            name="version",
            field=models.IntegerField(db_default=1, default=1, editable=False),
        ),
    ]
