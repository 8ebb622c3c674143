"""How a rule of the database that a write breaks becomes a refusal with its own sentence."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from django.db import DatabaseError, IntegrityError, models, transaction
from django.db.models import ProtectedError
from django.db.models.options import Options

from database.columns import column_named_by, column_of
from journal.journaled import Journaled
from resources.refusals import Invalid, Refusal, Taken, Vanished

REFERENCE_BROKEN = "A related row has changed. Fetch it again and retry."

# https://www.sqlite.org/rescode.html#constraint: a check and an index over expressions are
# named, an index over columns is identified by its columns.
SQLITE_NAMED = re.compile(r"constraint failed: (?:index ')?(\w+)'?$")
SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (.+)$")


class TriggerConstraint(models.BaseConstraint):
    """A rule that triggers enforce, over more tables than a check can see.

    They raise an error that names it: on PostgreSQL as its constraint, on SQLite in a text like
    SQLite's own (`named_by`). Nothing of it is in the table's own definition.
    """

    def refusal(self) -> Refusal:
        """Return why a write that breaks it is refused."""
        raise NotImplementedError

    def foreseen(self, rows: Sequence[Journaled]) -> Sequence[Refusal | None]:
        """Return the refusal of each new row, or None, with few queries."""
        raise NotImplementedError

    @property
    def named_by(self) -> str:
        """The text of the error that a trigger raises on SQLite."""
        return f"constraint failed: {self.name}"

    def constraint_sql(self, model: object, schema_editor: object) -> str:
        """Return nothing for a CREATE TABLE."""
        return ""

    def create_sql(self, model: object, schema_editor: object) -> str:
        """Return no statement: triggers are made after the migrations."""
        return ""

    def remove_sql(self, model: object, schema_editor: object) -> str:
        """Return no statement."""
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TriggerConstraint) and self.deconstruct() == other.deconstruct()


@contextmanager
def constraints_as_errors(model: type[models.Model]) -> Iterator[None]:
    """Run a write in a transaction; a broken constraint of `model` raises its own sentence.

    A check is Invalid, a uniqueness Taken with the constraint's own code, a broken reference a
    Refusal, a row that is gone Vanished. An unknown constraint is a bug and raised as it came.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        _raise_refusal(model, error)
    except DatabaseError as error:
        if type(error) is DatabaseError:  # Django's own word for an UPDATE that met no row
            raise Vanished("It has been deleted in the meantime.") from error
        raise


@contextmanager
def references_as_conflicts() -> Iterator[None]:
    """Run a whole transaction: PostgreSQL judges references at its end, past every savepoint.

    One that was broken in the meantime is a Refusal.
    """
    try:
        yield
    except IntegrityError as error:
        if _is_about_a_reference(error):
            raise Refusal(REFERENCE_BROKEN) from error
        raise


def refuse_if_used(instance: models.Model) -> None:
    """Raise a Refusal, `in_use`, with the number and kind of the rows that refer to this one.

    Django's ProtectedError would load every row to say so.
    """
    uses = []
    for relation in instance._meta.related_objects:
        if relation.on_delete is models.PROTECT:
            related = relation.related_model._default_manager
            if count := related.filter(**{relation.field.name: instance}).count():
                uses.append(f"{count} {_name(relation.related_model._meta, count)}")
    if uses:
        name = instance._meta.verbose_name
        raise Refusal(f"This {name} is used by {' and '.join(uses)}.", "in_use")


def _raise_refusal(model: type[models.Model], error: IntegrityError) -> NoReturn:
    for constraint in model._meta.constraints:
        if _is_broken(constraint, model, error):
            raise refusal_by(constraint, model) from error
    if _is_about_a_reference(error):
        raise Refusal(REFERENCE_BROKEN) from error
    raise error


def refusal_by(constraint: models.BaseConstraint, model: type[models.Model]) -> Refusal:
    """Return the error of a row that breaks a constraint."""
    if isinstance(constraint, TriggerConstraint):
        return constraint.refusal()
    sentence = str(constraint.violation_error_message)
    code = constraint.violation_error_code
    if isinstance(constraint, models.UniqueConstraint):
        return Taken(constraint, sentence, code or "conflict")
    return Invalid(_field_of(constraint, model), sentence)


def _field_of(constraint: models.BaseConstraint, model: type[models.Model]) -> str:
    """Return the wire name of the first field that a check's condition names."""
    node: object = getattr(constraint, "condition", None)
    while isinstance(node, models.Q):
        node = node.children[0]
    fields = getattr(constraint, "fields", ("",))
    name = node[0].split("__")[0] if isinstance(node, tuple) else fields[0]
    return column_of(model, name).attname


def _is_broken(
    constraint: models.BaseConstraint, model: type[models.Model], error: IntegrityError
) -> bool:
    if diagnosis := getattr(error.__cause__, "diag", None):  # psycopg
        return bool(diagnosis.constraint_name == constraint.name)
    text = str(error)
    if named := SQLITE_NAMED.search(text):
        return named[1] == constraint.name
    columns = SQLITE_COLUMNS.search(text)
    return columns is not None and columns[1].split(", ") == _columns(constraint, model)


def _columns(constraint: models.BaseConstraint, model: type[models.Model]) -> list[str]:
    if not isinstance(constraint, models.UniqueConstraint):
        return []
    fields = constraint.fields or [
        column_named_by(expression)
        for expression in constraint.expressions
        if isinstance(expression, models.F)
    ]
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    return [f"{model._meta.db_table}.{columns[name]}" for name in fields]


def _is_about_a_reference(error: IntegrityError) -> bool:
    state = getattr(getattr(error.__cause__, "diag", None), "sqlstate", None)
    if isinstance(error, ProtectedError):  # referred to since refuse_if_used
        return True
    return state == "23503" or "FOREIGN KEY constraint failed" in str(error)


def _name(meta: Options[models.Model], count: int) -> str:
    return str(meta.verbose_name if count == 1 else meta.verbose_name_plural)
