"""Delete old deliveries of webhooks."""

from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from values.arguments import days
from webhooks.models import Delivery

KEPT_DAYS = 30
AT_ONCE = 5_000


class Command(BaseCommand):
    """Limit the length of the log of deliveries; few go at a time, so it may run any time."""

    help = "Delete the deliveries of webhooks that are older than --days; run it once a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --days."""
        parser.add_argument(
            "--days",
            type=days,
            default=KEPT_DAYS,
            metavar="N",
            help=f"number of days to keep; default: {KEPT_DAYS}",
        )

    def handle(self, *, days: int, **_: object) -> None:
        """Delete them and print how many."""
        before = timezone.now() - timedelta(days=days)
        old = Delivery.objects.filter(created_at__lt=before).order_by("created_at")
        deleted = 0
        while keys := list(old.values_list("pk", flat=True)[:AT_ONCE]):
            deleted += Delivery.objects.filter(pk__in=keys).delete()[0]
        self.stdout.write(f"Deleted {deleted:,} deliveries older than {days} days.")
