"""Django's `migrate`, which may take longer than a request may."""

from django.core.management.commands import migrate

from database.postgresql.direct import directly
from database.postgresql.limits import lifted


class Command(migrate.Command):
    """Migrate the database without the time limits of requests, and past a pooler."""

    def handle(self, *args: object, database: str, **options: object) -> None:
        """Migrate."""
        with directly(database), lifted(database):
            super().handle(*args, database=database, **options)
