"""Django's `migrate`, which may take longer than a request may."""

from typing import Any

from django.core.management.commands import migrate

from database.postgresql.limits import lifted


class Command(migrate.Command):
    """Migrate the database without the time limits of requests."""

    def handle(self, *args: object, **options: Any) -> None:
        """Migrate."""
        with lifted(options["database"]):
            super().handle(*args, **options)
