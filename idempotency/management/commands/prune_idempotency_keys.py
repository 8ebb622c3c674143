"""Throw away idempotency keys that are no longer kept."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from idempotency.idempotent import KEPT, prune


class Command(BaseCommand):
    """Keep the table short; the service itself only throws away a few now and then."""

    help = "Delete idempotency keys that are more than 24 hours old."

    def handle(self, **_options: object) -> None:
        """Throw them away and say how many."""
        count = prune(timezone.now() - KEPT)
        self.stdout.write(f"Deleted {count:,} expired idempotency keys.")
