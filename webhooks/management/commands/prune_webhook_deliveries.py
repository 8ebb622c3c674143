"""Throw away old deliveries of webhooks."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from webhooks.models import Delivery

DAYS = 30
AT_ONCE = 5_000


class Command(BaseCommand):
    """Delete deliveries that are older than so many days, few at a time: it may run any time."""

    help = "Delete the deliveries of webhooks that are older than --days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the age."""
        parser.add_argument(
            "--days", type=int, default=DAYS, help=f"{DAYS} if absent", metavar="N"
        )

    def handle(self, **options: Any) -> None:
        """Delete, and say how many went."""
        if options["days"] < 1:
            raise CommandError("Give --days a number of at least 1.")
        before = timezone.now() - timedelta(days=options["days"])
        old = Delivery.objects.filter(created_at__lt=before).order_by("created_at")
        deleted = 0
        while keys := list(old.values_list("pk", flat=True)[:AT_ONCE]):
            deleted += Delivery.objects.filter(pk__in=keys).delete()[0]
        self.stdout.write(f"Deleted {deleted} deliveries from before {before:%Y-%m-%d %H:%M} UTC.")
