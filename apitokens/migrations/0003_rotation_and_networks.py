import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("apitokens", "0002_usage")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="allowed_networks",
            field=models.JSONField(
                blank=True,
                db_default=models.Value(
                    [], models.JSONField()
                ),  # the previous release does not write it
                default=list,
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="replaced_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="rotated_from",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="rotated_to",
                to="apitokens.apitoken",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="apitoken",
            name="api_token_name_unique_per_user",
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.UniqueConstraint(
                models.F("user"),
                models.F("name"),
                condition=models.Q(("replaced_at__isnull", True), ("revoked_at__isnull", True)),
                name="api_token_name_unique_per_user",
                violation_error_message="This user already has a token with this name.",
            ),
        ),
    ]
