"""Emptying the tables after a test that has committed.

Django empties every table and announces a migration, after which permissions, content types and
triggers are looked after: that takes longer than most of these tests.
"""

from django.core.management.color import no_style
from django.db import connection, transaction

KEPT = {"django_content_type", "django_migrations", "auth_permission"}  # a migration filled them


def empty_tables() -> None:
    """Delete all rows but a migration's, again if triggers write more while that is done."""
    tables = sorted({*connection.introspection.django_table_names(only_existing=True)} - KEPT)
    while filled := _with_rows(tables):
        if connection.vendor == "sqlite":
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled))
        elif _is_superuser():
            _delete(filled)
        else:
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))


def _with_rows(tables: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables
            )
        )
        return [table for (table,) in cursor.fetchall()]


def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        return bool(cursor.fetchone() == ("on",))


def _delete(tables: list[str]) -> None:
    """Delete without triggers and in any order, as only a superuser may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
