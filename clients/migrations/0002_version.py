from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="version",
            field=models.IntegerField(db_default=1, default=1, editable=False),
        ),
    ]
