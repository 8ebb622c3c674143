"""Many rows at once, past the ORM: it would stamp them with this minute, and take minutes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection

Row = Sequence[Any]

BATCH = 10_000


def load(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows whose values are as the database takes them.

    On PostgreSQL with one COPY: nothing else may use the connection until the last row.
    """
    quote = connection.ops.quote_name
    into = f"{quote(table)} ({', '.join(map(quote, columns))})"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    statement = f"INSERT INTO {into} VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608
    with connection.cursor() as cursor:
        for batch in _batches(iter(rows)):
            cursor.executemany(statement, batch)


def analyze() -> None:
    """Let PostgreSQL plan for the rows that have come into our tables.

    Without names it would look at tables that all databases of a server share too, and until the
    transaction ends anyone who does the same in another one would wait.
    """
    if connection.vendor == "postgresql":
        tables = connection.introspection.django_table_names(only_existing=True)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(map(connection.ops.quote_name, tables))}")


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
