"""What the stored resources share, and how a broken constraint becomes an answer."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NoReturn, Self, TypeVar

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connections, models, transaction
from django.db.models import F, ProtectedError, Q
from django.db.models.sql import UpdateQuery
from rest_framework.exceptions import APIException, NotFound, ValidationError

from changes.journal import Journaled, record
from timetracker.api.exceptions import Conflict, Taken
from timetracker.text import derived_fields, derived_from
from timetracker.wall_clock import EARLIEST, LATEST

M = TypeVar("M", bound=models.Model)

REFERENCE_BROKEN = "What this refers to, or what refers to this, changed."

# https://www.sqlite.org/rescode.html#constraint: a check and an index over expressions are
# named, an index over columns is told by its columns.
SQLITE_NAMED = re.compile(r"constraint failed: (?:index ')?(\w+)'?$")
SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (.+)$")


class ResourceQuerySet(models.QuerySet[M]):
    """The two questions of every resource: which rows, and how fetched."""

    def visible_to(self, user: Any) -> Self:
        """Keep the rows that a user may see: all, for what the users share."""
        return self

    def with_details(self) -> Self:
        """Fetch what the API representation reads, in the same query."""
        return self

    def exact_count(self) -> int:
        """Return the number of rows, counted unless the model knows it otherwise; never stale."""
        return self.count()

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows, and say so in the journal if their kind has one."""
        if not issubclass(self.model, Journaled):
            return super().delete()
        with transaction.atomic(savepoint=False):
            rows: list[Any] = list(self.select_related(None).order_by("pk").select_for_update())
            deleted = models.QuerySet(self.model).filter(pk__in=[row.pk for row in rows]).delete()
            record([row.deletion(row.owner) for row in rows])
        return deleted


class LatestField(models.DateTimeField[Any, datetime]):
    """The instant of the last save (UTC), never before that of the save before.

    Clocks are set back; who asks for what changed since then must not miss a row for it.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> datetime:  # noqa: FBT001 - Django's
        """Return what is stored."""
        before: datetime | None = getattr(model_instance, self.attname)
        now: datetime = super().pre_save(model_instance, add)
        if before is not None and before > now:
            setattr(model_instance, self.attname, before)
            return before
        return now

    def deconstruct(self) -> Any:
        """Return what migrations write: the column is one of Django's."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs


class Resource(Journaled):
    """When a resource was made and last changed (UTC), and how often it was written.

    `version` begins at 1. Each save counts it up in the very UPDATE that writes the row, so that
    no two states of a row share a number, whoever else writes; a `QuerySet.update` has to say
    `version=F("version") + 1` itself.
    """

    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = LatestField(auto_now=True, editable=False, db_index=True)
    version = models.IntegerField(default=1, db_default=1, editable=False)
    external_id = models.CharField(  # noqa: DJ001 - only null is not compared by the constraint
        max_length=255,
        null=True,
        blank=True,
        help_text="The id that a user's other system has for it.",
    )
    external_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        editable=False,
        db_index=False,
    )

    counted_up = frozenset({"updated_at", "version"})

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Derive what is made of other fields, so that constraints can be judged beforehand."""
        super().clean()
        for field in derived_fields(type(self)):
            field.fill(self)

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save; what is made of a field goes with it."""
        if update_fields is not None:
            names = set(update_fields)
            update_fields = names | derived_from(type(self), names)
        super().save(update_fields=update_fields, **kwargs)

    def refusal(self) -> APIException | None:
        """Return why a new row is refused of which the database would take all."""
        return None

    def _do_update(  # type: ignore[override] # the stubs are Django 6's
        self,
        base_qs: models.QuerySet[Any],
        using: str,
        pk_val: Any,
        values: Collection[tuple[models.Field[Any, Any], type[models.Model] | None, Any]],
        update_fields: Iterable[str] | None,
        forced_update: bool,  # noqa: FBT001 - Django's
    ) -> bool:
        """Write the columns and the next version; Django's own cannot return what it wrote.

        Whose the row is comes back too: it may be another user's by now, as the journal must know.
        """
        version = self._meta.get_field("version")
        others = [value for value in values if value[0] is not version]
        query: Any = base_qs.filter(pk=pk_val).query.chain(UpdateQuery)
        query.add_update_fields([*others, (version, None, F("version") + 1)])
        sql, params = query.get_compiler(using).as_sql()
        returned = ["version", *filter(None, [self.owner_attribute])]
        with connections[using].cursor() as cursor:
            cursor.execute(f"{sql} RETURNING {', '.join(returned)}", params)
            written = cursor.fetchone()
        for name, value in zip(returned, written or (), strict=False):
            setattr(self, name, value)
        return written is not None


def free_unseen_ids(model: Any, user: Any, ids: Collection[str]) -> int:
    """Take external ids off rows whose giver does not see them any more; return how many.

    An entry may be another user's by now: its giver could neither use nor give the id again.
    Nobody else is shown it, so no version counts it. A row that is being written is left as it is:
    the request has rows of its own locked, and two that wait for each other's would end in a
    deadlock.
    """
    if model.owner_attribute is None or not ids:
        return 0
    mine = model._default_manager.filter(external_user=user, external_id__in=ids)
    unseen = mine.exclude(pk__in=model._default_manager.visible_to(user).values("pk"))
    with transaction.atomic():
        free = unseen.order_by("pk").select_for_update(skip_locked=True, no_key=True)
        keys = list(free.values_list("pk", flat=True))
        rows = model._default_manager.filter(pk__in=keys)
        return int(rows.update(external_id=None, external_user=None))


def external_id_once(name: str) -> models.UniqueConstraint:
    """Return the constraint that a user gives each `external_id` to one row only."""
    return models.UniqueConstraint(
        fields=("external_user", "external_id"),
        name=name,
        violation_error_code="external_id_taken",
        violation_error_message="You have given this external_id to another one.",
    )


def within_years(
    field: str, name: str, *, first: date = EARLIEST, end: date = LATEST
) -> models.CheckConstraint:
    """Return the constraint that an instant (UTC), or a date, lies in the years that we know.

    What lies outside could be stored by other ways in, and then be read by none.
    """
    what = "time" if isinstance(first, datetime) else "date"
    return models.CheckConstraint(
        condition=Q(**{f"{field}__gte": first, f"{field}__lt": end}),
        name=name,
        violation_error_message=f"Give a {what} in the years 1970 to 2200.",
    )


@contextmanager
def constraints_as_errors(model: type[models.Model]) -> Iterator[None]:
    """Run a write in a transaction; a broken constraint of `model` raises its own sentence.

    A check is 400 `validation_error`, a uniqueness 409 with the constraint's own code, a broken
    reference 409 `conflict`, a row that vanished meanwhile 404. An unknown constraint is a bug
    and raised as it came.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        _raise_refusal(model, error)
    except DatabaseError as error:
        if type(error) is DatabaseError:  # Django's own word for an UPDATE that met no row
            raise NotFound("It has been deleted since.") from error
        raise


def lock(model: type[models.Model], **found: Any) -> Any:
    """Keep a row from being written until the transaction ends; return its key, None if none is.

    On SQLite the transaction alone does. PostgreSQL looks again at what the row is found by, once
    it has waited.

    A statement of its own: what a joined query reads beside the row may be older than the lock
    for which it waited.
    """
    rows = model._default_manager.filter(**found).order_by().select_for_update(no_key=True)
    return rows.values_list("pk", flat=True).first()


def held(rows: models.QuerySet[M], ids: Collection[int]) -> dict[int, M]:
    """Return rows by their ids, and keep them from being written until the transaction ends.

    Others may hold them as well: Django knows no such lock. On SQLite the transaction alone does.
    In the order of their ids, so that two who hold several do not wait for each other.
    """
    sql, params = rows.filter(pk__in=ids).order_by("pk").query.get_compiler(rows.db).as_sql()
    if connections[rows.db].vendor == "postgresql":
        sql += " FOR SHARE"
    found = rows.model._default_manager.raw(sql, params)
    return {row.pk: row for row in found}


@contextmanager
def references_as_conflicts() -> Iterator[None]:
    """Run a whole transaction: PostgreSQL judges references at its end, past every savepoint.

    One that broke meanwhile is 409 `conflict`.
    """
    try:
        yield
    except IntegrityError as error:
        if _is_about_a_reference(error):
            raise Conflict(REFERENCE_BROKEN) from error
        raise


def refuse_if_used(instance: models.Model) -> None:
    """Raise 409 `in_use` that says by how many of what a row is used.

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
        raise Conflict(f"This {name} is used by {' and '.join(uses)}.", "in_use")


def _raise_refusal(model: type[models.Model], error: IntegrityError) -> NoReturn:
    for constraint in model._meta.constraints:
        if _is_broken(constraint, model, error):
            raise refusal_by(constraint, model) from error
    if _is_about_a_reference(error):
        raise Conflict(REFERENCE_BROKEN) from error
    raise error


def refusal_by(
    constraint: models.BaseConstraint, model: type[models.Model]
) -> Conflict | ValidationError:
    """Return the error of a row that breaks a constraint."""
    sentence = str(constraint.violation_error_message)
    code = constraint.violation_error_code
    if isinstance(constraint, models.UniqueConstraint):
        return Taken(constraint, sentence, code)
    return ValidationError({_field_of(constraint, model): [sentence]}, code)


def _field_of(constraint: models.BaseConstraint, model: type[models.Model]) -> str:
    """Return the wire name of the first field that a check's condition names."""
    node: Any = getattr(constraint, "condition", None)
    while isinstance(node, models.Q):
        node = node.children[0]
    name = node[0].split("__")[0] if node else constraint.fields[0]  # type: ignore[attr-defined]
    return str(model._meta.get_field(name).attname)  # type: ignore[union-attr]


def _is_broken(
    constraint: models.BaseConstraint, model: type[models.Model], error: IntegrityError
) -> bool:
    if diagnosis := getattr(error.__cause__, "diag", None):  # psycopg
        return bool(diagnosis.constraint_name == constraint.name)
    text = str(error)
    if named := SQLITE_NAMED.search(text):
        return named[1] == constraint.name
    columns = SQLITE_COLUMNS.search(text)
    return bool(columns) and columns[1].split(", ") == _columns(constraint, model)  # type: ignore[index]


def _columns(constraint: models.BaseConstraint, model: type[models.Model]) -> list[str]:
    if not isinstance(constraint, models.UniqueConstraint):
        return []
    fields = constraint.fields or [
        expression.name  # type: ignore[attr-defined]
        for expression in constraint.expressions
        if isinstance(expression, models.F)
    ]
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    return [f"{model._meta.db_table}.{columns[name]}" for name in fields]


def _is_about_a_reference(error: IntegrityError) -> bool:
    state = getattr(getattr(error.__cause__, "diag", None), "sqlstate", None)
    if isinstance(error, ProtectedError):  # Django saw what came after refuse_if_used
        return True
    return state == "23503" or "FOREIGN KEY constraint failed" in str(error)


def _name(meta: Any, count: int) -> str:
    return str(meta.verbose_name if count == 1 else meta.verbose_name_plural)
