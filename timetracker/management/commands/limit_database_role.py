"""Set the time limits of requests where a pooler keeps a connection from setting its own."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from database.postgresql.limits import limit_role


class Command(BaseCommand):
    """Make the time limits settings of the database role."""

    help = (
        "Store the time limits for statements, locks and idle transactions as settings of "
        "the database role in DATABASE_URL. `serve` does this when DATABASE_POOLED is on. "
        "Connections that a pooler already holds keep their old limits: run RECONNECT in "
        "PgBouncer's console."
    )

    def handle(self, **_options: object) -> None:
        """Set them and list them."""
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles. Set DATABASE_URL.")
        limit_role()
        for name, milliseconds in settings.POSTGRESQL_LIMITS.items():
            self.stdout.write(f"{name} = {milliseconds} ms")
