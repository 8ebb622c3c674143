"""Writing imported rows, with their ids and their times."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import connection, models

from apitokens.models import ApiToken, TokenEvent, TokenUsage
from billing.models import Bill
from books.models import Books
from clients.models import Client
from database.loading import load
from database.triggers import drop
from moving.original.refusals import CannotImport
from projects.models import FavoriteProject, Project
from rates.models import Rate
from reports.models import SavedReport
from tallies.triggers import install
from tasks.models import Task
from timeentries.models import TimeEntry
from users.models import User
from values.text import DerivedField
from webhooks.models import Webhook

# What an import fills, and what nobody may have filled before: all other tables refer to these.
FILLED: list[type[models.Model]] = [
    *[User, ApiToken, Client, Project, FavoriteProject],
    *[Task, Rate, Bill, TimeEntry],
]
IN_USE: list[type[models.Model]] = [*FILLED, TokenUsage, SavedReport, Webhook]


def lock_empty_database() -> None:
    """Keep others from writing until the transaction ends; CannotImport if anybody has.

    On SQLite the transaction itself is the lock.
    """
    if connection.vendor == "postgresql":
        tables = ", ".join(model._meta.db_table for model in IN_USE)
        with connection.cursor() as cursor:
            # An import takes longer than any request may; so may its checks at commit.
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
    filled = [model for model in IN_USE if model._default_manager.exists()]
    if filled:
        names = ", ".join(str(model._meta.verbose_name_plural) for model in filled)
        raise CannotImport(
            f"The database already contains {names}; an import needs an empty one, and keeps the"
            " ids of the original. Use another database (DATABASE_URL), or delete all data,"
            " including users and tokens, with: manage.py flush"
        )
    if Books.current().closed_through:
        raise CannotImport("The books are closed. Open them, or use another database.")


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
