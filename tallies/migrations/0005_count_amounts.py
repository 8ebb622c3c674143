from typing import Any

from django.db import migrations

from tallies.triggers import count


def count_rows(_: Any, schema_editor: Any) -> None:
    count(schema_editor.connection.alias)


class Migration(migrations.Migration):
    atomic = False  # nobody waits while the rows are counted

    dependencies = [("tallies", "0004_amounts")]

    operations = [migrations.RunPython(count_rows, migrations.RunPython.noop)]
