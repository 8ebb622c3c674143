import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# SQLite empties a table by DELETE (`manage.py flush`), so there only an UPDATE is refused.
ADD = {
    "postgresql": """
        CREATE FUNCTION apitokens_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'Events of tokens are only added.'; END $$;
        CREATE TRIGGER apitokens_event_append_only BEFORE UPDATE OR DELETE ON apitokens_tokenevent
        FOR EACH ROW EXECUTE FUNCTION apitokens_event_refuse()
    """,
    "sqlite": """
        CREATE TRIGGER apitokens_event_append_only BEFORE UPDATE ON apitokens_tokenevent
        BEGIN SELECT RAISE(ABORT, 'Events of tokens are only added.'); END
    """,
}
REMOVE = {
    "postgresql": """
        DROP TRIGGER apitokens_event_append_only ON apitokens_tokenevent;
        DROP FUNCTION apitokens_event_refuse()
    """,
    "sqlite": "DROP TRIGGER apitokens_event_append_only",
}


def add(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute(ADD[editor.connection.vendor], params=None)


def remove(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute(REMOVE[editor.connection.vendor], params=None)


class Migration(migrations.Migration):
    dependencies = [("apitokens", "0003_rotation_and_networks")]

    operations = [
        migrations.CreateModel(
            name="TokenEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_name", models.CharField(max_length=120)),
                ("action", models.CharField(max_length=20)),
                ("detail", models.TextField(blank=True)),
                ("actor", models.CharField(max_length=150)),
                ("address", models.GenericIPAddressField(null=True)),
                ("happened_at", models.DateTimeField(auto_now_add=True)),
                (
                    "token",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="apitokens.apitoken",
                    ),
                ),
            ],
            options={"ordering": ("id",)},
        ),
        migrations.RunPython(add, remove),
    ]
