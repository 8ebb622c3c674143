"""The triggers that keep the books closed, whatever writes: the API, the admin, a command or SQL.

See docs/decisions/0010-closed-books.md for the reasons and costs.
"""

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from books import postgresql, sqlite
from books.models import Books, UserBound, ZoneBound
from books.registered import guarded
from database.triggers import columns_of, drop, make_on_postgresql, make_on_sqlite
from users.models import User


def install(using: str) -> None:
    """Create missing or outdated triggers, and the only row of the books."""
    connection = connections[using]
    if not _has_columns(connection):
        drop(connection, "books")
        return
    with transaction.atomic(using=using):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO books_books (id) VALUES (%s) ON CONFLICT (id) DO NOTHING",
                [Books.ONLY],
            )
        if connection.vendor == "sqlite":
            make_on_sqlite(connection, "books", sqlite.triggers())
        else:
            functions, triggers = postgresql.functions(), postgresql.triggers()
            make_on_postgresql(connection, "books", functions, triggers)


def _has_columns(connection: BaseDatabaseWrapper) -> bool:
    """Return whether all is there that the triggers name; after a downgrade it is not."""
    needed = {guarded().table: {*guarded().edited}, User._meta.db_table: {"time_zone"}}
    for model in (Books, ZoneBound, UserBound):
        needed[model._meta.db_table] = {str(field.column) for field in model._meta.local_fields}
    with connection.cursor() as cursor:
        if not needed.keys() <= {*connection.introspection.table_names(cursor)}:
            return False
        return all(columns <= columns_of(cursor, table) for table, columns in needed.items())
