"""Throw away idempotency keys that are no longer kept."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from idempotency.idempotent import KEPT, prune


class Command(BaseCommand):
    """Keep the table short; the service itself only throws away a few now and then."""

    help = "Throw away the answers to Idempotency-Keys of more than 24 hours ago."

    def handle(self, **_options: object) -> None:
        """Throw them away and say how many."""
        count = prune(timezone.now() - KEPT)
        self.stdout.write(f"Threw away {count:,} expired idempotency keys.")
