"""The last ids that tables have given out: the ids of deleted rows are not given out again."""

from django.db import connection, models

from moving.kinds import Kind


def last_id(kind: Kind) -> int | None:
    """Return the last id that was given out, and None for rows whose ids nobody gives out."""
    if not isinstance(kind.model._meta.pk, models.AutoField):
        return None
    highest: int = kind.rows.aggregate(found=models.Max("pk"))["found"] or 0
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [kind.table])
            found = cursor.fetchone()
            return max(highest, found[0] if found else 0)
        cursor.execute(f"SELECT last_value, is_called FROM {_sequence(kind)}")
        last, is_called = cursor.fetchone()
        return max(highest, last if is_called else 0)


def continue_after(kind: Kind, last: int) -> None:
    """Give out no id up to a last one again."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Also to the beginning: what an import has set before it failed is not taken back.
            cursor.execute("SELECT setval(%s, %s, %s)", [_sequence(kind), max(last, 1), last > 0])
            return
        cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [last, kind.table])
        if not cursor.rowcount:
            cursor.execute("INSERT INTO sqlite_sequence VALUES (%s, %s)", [kind.table, last])


def _sequence(kind: Kind) -> str:
    """Return the name of PostgreSQL's sequence, quoted where it needs to be."""
    with connection.cursor() as cursor:
        key = kind.model._meta.pk.column
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [kind.table, key])
        name: str = cursor.fetchone()[0]
        return name
