"""The rates that projects and clients have are valid always."""

from django.db import migrations

INSERT = """
    INSERT INTO rates_rate (
        {place}_id, hourly_rate, valid_from, version, created_at, updated_at
    )
    SELECT id, {column}, '1970-01-01', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
    FROM {table} WHERE {column} IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("rates", "0001_money")]

    operations = [
        migrations.RunSQL(
            INSERT.format(place="project", column="hourly_rate", table="projects_project"),
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            INSERT.format(place="client", column="default_hourly_rate", table="clients_client"),
            migrations.RunSQL.noop,
        ),
    ]
