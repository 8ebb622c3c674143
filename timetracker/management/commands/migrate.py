"""Django's `migrate`, which may take longer than a request may, and keeps no request waiting."""

from django.core.management.commands import migrate
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from database.briefly import briefly
from database.postgresql.direct import directly
from database.postgresql.limits import lifted


class Executor(MigrationExecutor):
    """Applies migrations; one that is a transaction waits only briefly for locks, then again."""

    def apply_migration(
        self,
        state: ProjectState,
        migration: Migration,
        fake: bool = False,  # noqa: FBT001, FBT002 - Django's
        fake_initial: bool = False,  # noqa: FBT001, FBT002
    ) -> ProjectState:
        """Apply a migration; return the state after it."""
        apply = super().apply_migration
        if self.connection.vendor != "postgresql" or not migration.atomic:
            return apply(state, migration, fake, fake_initial)
        return briefly(
            self.connection, lambda: apply(state.clone(), migration, fake, fake_initial)
        )


migrate.MigrationExecutor = Executor  # type: ignore[attr-defined] # what Django's command makes


class Command(migrate.Command):
    """Migrate the database without the time limits of requests, and past a pooler."""

    def handle(self, *args: object, database: str, **options: object) -> None:
        """Migrate."""
        with directly(database), lifted(database):
            super().handle(*args, database=database, **options)
