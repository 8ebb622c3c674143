"""Throw away old changes."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from journal.numbering import expire_cursors, prune
from tallies.versions import renew_list_versions

KEPT_DAYS = 90


class Command(BaseCommand):
    """Keep the journal to a length; whoever followed the feed no further lists afresh."""

    help = (
        "Throw away the journal's changes of more than so many days ago; run it once a day. "
        "A consumer of /api/v1/changes that has not asked for so long gets 410 cursor_expired."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the age, and whether all who follow have to begin anew."""
        parser.add_argument(
            "--days",
            type=_days,
            default=KEPT_DAYS,
            metavar="N",
            help=f"how many days of changes are kept; {KEPT_DAYS} if absent",
        )
        parser.add_argument(
            "--expire-cursors",
            action="store_true",
            help="also make all consumers list again: rows were written by SQL",
        )

    def handle(self, **options: Any) -> None:
        """Throw them away and say how many."""
        if options["expire_cursors"]:
            expire_cursors()
            renew_list_versions()
        count = prune(timezone.now() - timedelta(days=options["days"]))
        self.stdout.write(f"Threw away {count:,} changes older than {options['days']} days.")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 36_500:
        raise ArgumentTypeError(f"give a whole number of days from 1, not {text!r}")
    return int(text)
