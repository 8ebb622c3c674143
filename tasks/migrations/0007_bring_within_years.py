from django.db import migrations

# What was typed into the admin with a year that we do not know moves to the nearest edge.
SQL = """
    UPDATE tasks_task SET version = version + 1, updated_at = CURRENT_TIMESTAMP, due_date =
        CASE WHEN due_date < '1970-01-01' THEN '1970-01-01'{cast} ELSE '2200-12-31'{cast} END
    WHERE due_date < '1970-01-01' OR due_date > '2200-12-31'
"""


def bring_within_years(apps: object, schema_editor: object) -> None:
    connection = schema_editor.connection  # type: ignore[attr-defined]
    cast = "::date" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(SQL.format(cast=cast))


class Migration(migrations.Migration):
    dependencies = [("tasks", "0006_texts_in_normal_form")]

    operations = [migrations.RunPython(bring_within_years, migrations.RunPython.noop)]
