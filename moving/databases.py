"""What a database must be like before anything is exported from it or imported into it."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from books.models import Books
from journal.models import Change
from moving.errors import CannotMove
from moving.kinds import kinds


def refuse_unless_migrated() -> None:
    """Raise CannotMove if the database is not that of this version."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotMove("The database is not up to date. Run manage.py migrate first.")


def lock_empty_tables() -> None:
    """Keep others from writing until the transaction ends; raise CannotMove if anybody has.

    On SQLite the transaction itself is the lock.
    """
    tables = [*(kind.rows for kind in kinds()), Change.objects.all()]
    if connection.vendor == "postgresql":
        names = [connection.ops.quote_name(rows.model._meta.db_table) for rows in tables]
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE")
    # It has a row from the beginning.
    Books.objects.filter(closed_through=None).delete()
    if filled := [rows.model for rows in tables if rows.exists()]:
        found = ", ".join(str(model._meta.verbose_name_plural) for model in filled)
        raise CannotMove(
            f"The database already contains {found}; an import needs an empty one. Use another "
            "database (DATABASE_URL), or delete all its data, including users and tokens, with: "
            "manage.py flush"
        )
