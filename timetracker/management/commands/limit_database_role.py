"""Set the time limits of requests where a pooler keeps a connection from setting its own."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from database.postgresql.limits import limit_role


class Command(BaseCommand):
    """Make the time limits settings of the database role."""

    help = (
        "Make the time limits of statements, locks and idle transactions settings of the role that"
        " DATABASE_URL names. `serve` does it with DATABASE_POOLED. A pooler's open connections do"
        " not have them yet: RECONNECT in PgBouncer's console renews those."
    )

    def handle(self, **_options: object) -> None:
        """Set them and list them."""
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles. Set DATABASE_URL.")
        limit_role()
        for name, milliseconds in settings.POSTGRESQL_LIMITS.items():
            self.stdout.write(f"{name} = {milliseconds} ms")
