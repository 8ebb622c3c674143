"""Delete links to shared reports that are no longer valid."""

from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand
from django.db.models import Q
from django.utils import timezone

from reports.models import SharedReport
from values.arguments import days

KEPT_DAYS = 30


class Command(BaseCommand):
    """Limit the length of the list of links; an ended one stays for a while, to be looked up."""

    help = (
        "Delete the links to shared reports that expired or were revoked more than --days ago; "
        "run it once a day."
    )

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
        gone = SharedReport.objects.filter(Q(expires_at__lt=before) | Q(revoked_at__lt=before))
        count = gone.delete()[0]
        self.stdout.write(f"Deleted {count:,} links that ended more than {days} days ago.")
