"""Writing imported rows, with their ids and their times."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import connection, models

from apitokens.models import ApiToken, TokenEvent
from billing.models import Bill
from clients.models import Client
from database.loading import load
from database.triggers import drop
from projects.models import FavoriteProject, Project
from rates.models import Rate
from tallies.triggers import install
from tasks.models import Task
from timeentries.models import TimeEntry
from users.models import User
from values.text import DerivedField

FILLED: list[type[models.Model]] = [
    *[User, ApiToken, Client, Project, FavoriteProject],
    *[Task, Rate, Bill, TimeEntry],
]


def write(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """Write new rows as they are: with their ids, and with the times that they have."""
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    columns = [str(field.column) for field in fields]
    load(model._meta.db_table, columns, (_values(row, fields) for row in rows))


@contextmanager
def counted_once() -> Iterator[None]:
    """Count time entries when all are written: SQLite's triggers count each row by itself."""
    if connection.vendor == "sqlite":
        drop(connection, "tallies")
    yield
    install(connection.alias)


def note_issues(tokens: Iterable[ApiToken]) -> None:
    """Begin the history of imported tokens."""
    TokenEvent.objects.bulk_create(
        TokenEvent(
            token=token,
            token_name=str(token),
            action=TokenEvent.Action.ISSUED,
            detail=f"Imported with the scopes {', '.join(token.scopes)}",
            actor="import_timetracker",
        )
        for token in tokens
    )


def continue_ids() -> None:
    """Let the next rows get ids after the highest; SQLite does so by itself.

    PostgreSQL does not take this back with a transaction.
    """
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [*FILLED]):
            cursor.execute(statement)


def check_references() -> None:
    """Check now what a commit would check."""
    connection.check_constraints()


def _values(row: models.Model, fields: Sequence[models.Field[object, object]]) -> list[object]:
    return [
        field.get_db_prep_save(
            field.fill(row) if isinstance(field, DerivedField) else getattr(row, field.attname),
            connection,
        )
        for field in fields
    ]
