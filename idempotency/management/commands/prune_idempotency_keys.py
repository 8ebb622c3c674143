"""Delete expired idempotency keys."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from idempotency.idempotent import KEPT, prune


class Command(BaseCommand):
    """Limit the size of the table; the service itself deletes only a few keys at a time."""

    help = "Delete idempotency keys that are more than 24 hours old."

    def handle(self, **_options: object) -> None:
        """Delete them and print how many."""
        count = prune(timezone.now() - KEPT)
        self.stdout.write(f"Deleted {count:,} expired idempotency keys.")
