from typing import Any

from django.db import migrations

# An entry that was typed into the admin with a year that we do not know, 24 or 9999: the whole
# entry moves to the nearest edge and lasts as long as before. By SQL on PostgreSQL, where such a
# row may be one that Python cannot read (a year before Christ).
POSTGRESQL = """
    UPDATE timeentries_timeentry AS entry
    SET start_time = edge.start_time,
        end_time = edge.start_time + (entry.end_time - entry.start_time),
        version = version + 1,
        updated_at = GREATEST(updated_at, now())
    FROM (
        VALUES (TIMESTAMPTZ '1970-01-01 00:00+00', true), (TIMESTAMPTZ '2199-12-01 00:00+00', false)
    ) AS edge (start_time, is_first)
    WHERE CASE WHEN is_first
        THEN entry.start_time < TIMESTAMPTZ '1970-01-01 00:00+00'
        ELSE COALESCE(entry.end_time, entry.start_time) >= TIMESTAMPTZ '2201-01-01 00:00+00' END
"""
SQLITE = """
    UPDATE timeentries_timeentry
    SET start_time = edge.start_time,
        end_time = CASE WHEN end_time IS NOT NULL THEN
            strftime('%Y-%m-%d %H:%M:%S', edge.start_time,
                MAX(1, CAST(strftime('%s', end_time) AS INTEGER)
                    - CAST(strftime('%s', timeentries_timeentry.start_time) AS INTEGER))
                || ' seconds') END,
        version = version + 1,
        updated_at = MAX(updated_at, CURRENT_TIMESTAMP)
    FROM (
        SELECT '1970-01-01 00:00:00' AS start_time, 1 AS is_first
        UNION ALL SELECT '2199-12-01 00:00:00', 0
    ) AS edge
    WHERE CASE WHEN is_first
        THEN timeentries_timeentry.start_time < '1970-01-01'
        ELSE COALESCE(end_time, timeentries_timeentry.start_time) >= '2201-01-01' END
"""


def bring_within_years(apps: Any, schema_editor: Any) -> None:
    sql = {"postgresql": POSTGRESQL, "sqlite": SQLITE}[schema_editor.connection.vendor]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("timeentries", "0007_texts_in_normal_form")]

    operations = [migrations.RunPython(bring_within_years, migrations.RunPython.noop)]
