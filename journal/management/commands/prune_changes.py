"""Delete old changes."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import TypedDict, Unpack

from django.core.management.base import BaseCommand
from django.utils import timezone

from journal.numbering import expire_cursors, prune
from tallies.versions import renew_list_versions
from values.arguments import days

KEPT_DAYS = 90


class PruneOptions(TypedDict):
    """What the command is given."""

    days: int
    expire_cursors: bool


class Command(BaseCommand):
    """Limit the length of the journal; consumers that fall behind have to list again."""

    help = (
        "Delete old changes from the journal; run it once a day. Consumers of "
        "/api/v1/changes that have not polled for that long get 410 cursor_expired."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --days and --expire-cursors."""
        parser.add_argument(
            "--days",
            type=days,
            default=KEPT_DAYS,
            metavar="N",
            help=f"number of days to keep; default: {KEPT_DAYS}",
        )
        parser.add_argument(
            "--expire-cursors",
            action="store_true",
            help="also expire all cursors, for example after rows were changed by SQL",
        )

    def handle(self, **options: Unpack[PruneOptions]) -> None:
        """Delete them and print how many."""
        if options["expire_cursors"]:
            expire_cursors()
            renew_list_versions()
        count = prune(timezone.now() - timedelta(days=options["days"]))
        self.stdout.write(f"Deleted {count:,} changes older than {options['days']} days.")
