import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apitokens", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="last_address",
            field=models.GenericIPAddressField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name="TokenUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("scope", models.CharField(max_length=40)),
                ("calls", models.PositiveBigIntegerField(default=0)),
                ("refused", models.PositiveBigIntegerField(default=0)),
                (
                    "token",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to="apitokens.apitoken",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("token", "day", "scope"),
                        name="token_usage_once_per_day_and_scope",
                    )
                ],
            },
        ),
    ]
