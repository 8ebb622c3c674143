"""Recording of writes in the journal, with one INSERT in the same transaction."""

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple, Self, Unpack

from django.db import connection, models, transaction
from django.utils import timezone

from database.writes import insert_all
from journal.actor import current_actor
from journal.models import Change
from registry.declared import key_of
from values.options import SaveOptions

# The changes are one parameter, a JSON array of arrays: the statement is the same for one and
# for many. Its rows get their ids in their order.
INSERT = """
    INSERT INTO changes_change (
        type, object_id, action, fields, owner_before, owner_after,
        project_before, project_after, user_id, token_id, request_id, changed_at
    )
    SELECT {}, %s, %s, %s, %s FROM {}
"""
INSERTS = {
    "postgresql": INSERT.format(
        "value ->> 0, (value ->> 1)::bigint, value ->> 2, value -> 3, "
        + ", ".join(f"(value ->> {place})::bigint" for place in range(4, 8)),
        "jsonb_array_elements(%s::jsonb)",
    ),
    "sqlite": INSERT.format(
        ", ".join(f"json_extract(value, '$[{place}]')" for place in range(8)), "json_each(%s)"
    ),
}


ABSENT = object()  # unequal to whatever a column may hold


class NewChange(NamedTuple):
    """A change to be recorded; `record` adds the actor and the time."""

    type: str
    object_id: int
    action: Change.Action
    fields: Sequence[str]
    owner_before: int | None
    owner_after: int | None
    project_before: int | None
    project_after: int | None


def record(changes: Sequence[NewChange]) -> None:
    """Record changes with one INSERT.

    Call it in the transaction of the write and after it, when the rows are locked: their
    changes are then in the order in which they are committed.
    """
    if not changes:
        return
    actor, now = current_actor(), connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            INSERTS[connection.vendor],
            [actor.user_id, actor.token_id, actor.request_id, now, json.dumps(changes)],
        )


type_of = cache(key_of)  # a model's name in the journal: `time_entry`


@cache
def columns_of(model: type[models.Model]) -> list[str]:
    """Return the attributes that hold the columns of a model."""
    return [field.attname for field in model._meta.concrete_fields]


class Journaled(models.Model):
    """A model whose every save and delete is recorded in the journal.

    `QuerySet.update` and `bulk_create` bypass it: call `record` in the same transaction, with a
    `change` for each row, as `insert` does.
    """

    # The attribute with the id of the only user besides administrators who may see a row.
    owner_attribute: ClassVar[str | None] = None
    # The attribute with the id of the project that this is about.
    project_attribute: ClassVar[str | None] = None
    # Columns that every save writes, which do not count as changes.
    counted_up: ClassVar[frozenset[str]] = frozenset()
    stored: dict[str, Any]  # the columns as last read or saved; empty for a new row

    class Meta:
        abstract = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.stored = {}
        super().__init__(*args, **kwargs)

    def save(
        self, *, update_fields: Iterable[str] | None = None, **kwargs: Unpack[SaveOptions]
    ) -> None:
        """Save and record the change; an unchanged row is not written."""
        names = None if update_fields is None else set(update_fields)
        is_new, written = self._state.adding, self._written(names)
        if not is_new and not self._differs(written):
            return
        action, changed = self.action(), [] if is_new else self._changed(written)
        is_moved = not is_new and self.owner_attribute in written
        with transaction.atomic(savepoint=False):
            before = self.owner_in_database() if is_moved else None
            super().save(update_fields=names, **kwargs)
            if not is_new and not is_moved:
                before = self.owner  # as the write found it
            record([self.change(action, changed, owner_before=before, owner_after=self.owner)])
        self.stored |= {name: getattr(self, name) for name in written}

    @classmethod
    def insert(cls, rows: Sequence[Self]) -> None:
        """Insert rows with one statement and record them with another."""
        with transaction.atomic(savepoint=False):
            actions = [row.action() for row in rows]
            insert_all(rows)
            record(
                [
                    row.change(action, owner_after=row.owner)
                    for row, action in zip(rows, actions, strict=True)
                ]
            )
        for row in rows:
            row.remember()

    def delete(
        self,
        using: str | None = None,
        keep_parents: bool = False,  # noqa: FBT001, FBT002 - Django's
    ) -> tuple[int, dict[str, int]]:
        """Delete and record it, unless the row is already gone."""
        with transaction.atomic(savepoint=False):
            self.before_deletion([self])
            change = self.deletion(self.owner_in_database())
            deleted = super().delete(using, keep_parents)
            if deleted[0]:
                record([change])
        return deleted

    @classmethod
    def before_deletion(cls, rows: Sequence[Self]) -> None:
        """Delete what goes with rows; here nothing."""

    def remember(self) -> None:
        """Take the current values as the stored ones."""
        self.stored = {name: getattr(self, name) for name in columns_of(type(self))}

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[object],
        **kwargs: Any,
    ) -> Self:
        """Remember the stored values, so that a save can determine its changes."""
        row = super().from_db(db, field_names, values, **kwargs)
        row.stored = dict(zip(field_names, values, strict=False))
        return row

    def action(self) -> Change.Action:
        """Return the kind of change that a save makes."""
        return Change.Action.CREATED if self._state.adding else Change.Action.UPDATED

    def change(
        self,
        action: Change.Action,
        fields: Iterable[str] = (),
        *,
        owner_before: int | None = None,
        owner_after: int | None = None,
    ) -> NewChange:
        """Return an entry for the journal; the owners are None where there was no row."""
        is_gone = action == Change.Action.DELETED
        about = self.project_attribute
        return NewChange(
            type_of(type(self)),
            self.pk,
            action,
            list(fields),
            owner_before,
            owner_after,
            project_before=self.stored.get(about) if about else None,
            project_after=getattr(self, about) if about and not is_gone else None,
        )

    def updated(self, fields: Iterable[str]) -> NewChange:
        """Return the entry for the journal of a row that `QuerySet.update` has changed."""
        action, owner = Change.Action.UPDATED, self.owner
        return self.change(action, fields, owner_before=owner, owner_after=owner)

    def deletion(self, owner_before: int | None) -> NewChange:
        """Return the entry for the journal of a row that is going to be deleted."""
        return self.change(Change.Action.DELETED, owner_before=owner_before)

    @property
    def owner(self) -> int | None:
        """The id of the only user besides administrators who may see this row; None if all may."""
        return getattr(self, self.owner_attribute) if self.owner_attribute else None

    def owner_in_database(self) -> int | None:
        """Lock the row and return its current owner; the loaded one may be stale.

        The change feed must report the row to a user who can no longer see it.
        """
        if self.owner_attribute is None:
            return None
        rows = type(self)._default_manager.filter(pk=self.pk).select_for_update(no_key=True)
        return rows.order_by("pk").values_list(self.owner_attribute, flat=True).first()

    def _written(self, names: Collection[str] | None) -> list[str]:
        """Return the attributes that a save with these `update_fields` writes."""
        if names is None:
            return columns_of(type(self))
        return [
            field.attname
            for field in self._meta.concrete_fields
            if field.name in names or field.attname in names
        ]

    def _differs(self, written: Iterable[str]) -> bool:
        """Return whether a save changes more than the automatic columns."""
        return any(
            name not in self.counted_up and self.stored.get(name, ABSENT) != getattr(self, name)
            for name in written
        )

    def _changed(self, written: Iterable[str]) -> list[str]:
        """Return the changed editable columns."""
        editable = {field.attname for field in self._meta.concrete_fields if field.editable}
        return [
            name
            for name in written
            if name in editable and self.stored.get(name) != getattr(self, name)
        ]
