"""Operations for migrations of a service that goes on writing.

For migrations with `atomic = False`. PostgreSQL is locked briefly, or not at all. Each operation
leaves out what is there already, so that a migration that was interrupted can run again. SQLite,
with its single writer, gets plain operations.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from django.db import migrations, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from database.briefly import briefly
from database.building import (
    add_check,
    build_index,
    build_unique,
    has,
    replace_index,
    replace_unique_index,
)
from database.columns import column_of
from database.triggers import columns_of

Editor = BaseDatabaseSchemaEditor


class _Brief(Operation):
    """An operation that takes its locks briefly, and is left out where its work is done."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Do it, unless it is done."""
        if not self.is_done(app_label, schema_editor.connection, from_state, to_state):
            do = partial(super().database_forwards, app_label, schema_editor)
            briefly(schema_editor.connection, partial(do, from_state, to_state))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Undo it."""
        undo = partial(super().database_backwards, app_label, schema_editor)
        briefly(schema_editor.connection, partial(undo, from_state, to_state))

    def is_done(
        self,
        app_label: str,
        connection: BaseDatabaseWrapper,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> bool:
        """Return whether an earlier attempt has done it."""
        return False


class AddField(_Brief, migrations.AddField):
    """Adds a column; one with a constant default costs PostgreSQL nothing."""

    def is_done(
        self,
        app_label: str,
        connection: BaseDatabaseWrapper,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> bool:
        """Return whether the column is there."""
        model = to_state.apps.get_model(app_label, self.model_name)
        with connection.cursor() as cursor:
            return column_of(model, self.name).column in columns_of(cursor, model._meta.db_table)


class AlterField(_Brief, migrations.AlterField):
    """Alters a column in a way that does not rewrite the table."""


class RunPython(_Brief, migrations.RunPython):
    """Runs a function that takes locks and ends soon, and can run again."""


class RemoveIndex(_Brief, migrations.RemoveIndex):
    """Removes an index."""

    def is_done(
        self,
        app_label: str,
        connection: BaseDatabaseWrapper,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> bool:
        """Return whether the index is gone."""
        model = from_state.apps.get_model(app_label, self.model_name)
        return not has(connection, model, self.name)


class AddIndex(_Brief, migrations.AddIndex):
    """Builds an index beside writers."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Build it, unless it is there."""
        build_index(schema_editor, to_state.apps.get_model(app_label, self.model_name), self.index)


class ReplaceIndex(migrations.AddIndex):
    """Puts an index in the place of one of the same name, which serves until the new one can."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Know the new one instead of the old one."""
        state.remove_index(app_label, self.model_name_lower, self.index.name)
        super().state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Build the one of `to_state`, and drop that of `from_state`."""
        model = to_state.apps.get_model(app_label, self.model_name)
        old, new = (self._in(state, app_label) for state in (from_state, to_state))
        replace_index(schema_editor, model, old, new)

    database_backwards = database_forwards

    def _in(self, state: ProjectState, app_label: str) -> models.Index:
        model = state.models[app_label, self.model_name_lower]
        index: models.Index = model.get_index_by_name(self.index.name)
        return index


class AddConstraint(_Brief, migrations.AddConstraint):
    """Adds a check and validates it after that, or builds the index of a unique constraint first.

    From the first moment on the rule holds for what is written.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add it, unless it is there."""
        model, new = to_state.apps.get_model(app_label, self.model_name), self.constraint
        if schema_editor.connection.vendor == "postgresql":
            if isinstance(new, models.CheckConstraint):
                add_check(schema_editor, model, new)
                return
            if isinstance(new, models.UniqueConstraint):
                build_unique(schema_editor, model, new)
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def is_done(
        self,
        app_label: str,
        connection: BaseDatabaseWrapper,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> bool:
        """Return whether the constraint is there."""
        model = to_state.apps.get_model(app_label, self.model_name)
        return has(connection, model, self.constraint.name)


class ReplaceConstraint(migrations.AddConstraint):
    """Puts a unique constraint with a condition in the place of one of the same name.

    The old one holds until the new one does.
    """

    constraint: models.UniqueConstraint

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Know the new one instead of the old one."""
        state.remove_constraint(app_label, self.model_name_lower, self.constraint.name)
        super().state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Build the one of `to_state`, and drop that of `from_state`."""
        model = to_state.apps.get_model(app_label, self.model_name)
        old, new = (self._in(state, app_label) for state in (from_state, to_state))
        replace_unique_index(schema_editor, model, old, new)

    database_backwards = database_forwards

    def _in(self, state: ProjectState, app_label: str) -> models.UniqueConstraint:
        model = state.models[app_label, self.model_name_lower]
        constraint: models.UniqueConstraint = model.get_constraint_by_name(self.constraint.name)
        return constraint


class ByDatabase(migrations.SeparateDatabaseAndState):
    """Operations for each of the databases, after which the models are those of SQLite's."""

    def __init__(self, *, postgresql: Sequence[Operation], sqlite: Sequence[Operation]) -> None:
        """Take the operations for each."""
        super().__init__(state_operations=sqlite)
        self.operations = {"postgresql": postgresql, "sqlite": sqlite}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Do those of the database."""
        with self._of(schema_editor.connection):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: Editor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Undo those of the database."""
        with self._of(schema_editor.connection):
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    @contextmanager
    def _of(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        self.database_operations = self.operations[connection.vendor]
        if connection.vendor == "sqlite":
            with transaction.atomic(connection.alias):
                yield
        else:
            yield
