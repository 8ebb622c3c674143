"""Give an API token a new secret from a shell."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apitokens import life
from apitokens.management.tokens import add_token_argument, find_token, shell

HOUR = timedelta(hours=1)
USUAL_HOURS = life.USUAL_OVERLAP // HOUR
MOST_HOURS = life.LONGEST_OVERLAP // HOUR


class Command(BaseCommand):
    """Print the successor's secret alone on standard output, all else on standard error."""

    help = (
        "Issue a successor of an API token, with the same user, scopes, networks and length of "
        "life. Its secret is printed once, alone, on standard output. The old secret opens the "
        f"API for {USUAL_HOURS} more hours, so that programs can be given the new one meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the token and for how long the old secret stays good."""
        add_token_argument(parser)
        until = parser.add_mutually_exclusive_group()
        until.add_argument(
            "--overlap-hours",
            type=int,
            default=USUAL_HOURS,
            metavar="N",
            help=f"how long the old secret stays good, 1 to {MOST_HOURS}; {USUAL_HOURS} if absent",
        )
        until.add_argument(
            "--compromised",
            action="store_true",
            help="somebody else has the old secret: revoke it at once",
        )

    def handle(self, **options: Any) -> None:
        """Rotate the token, or say what is wrong."""
        hours = 0 if options["compromised"] else options["overlap_hours"]
        if not (options["compromised"] or 1 <= hours <= MOST_HOURS):
            raise CommandError(
                f"--overlap-hours must be from 1 to {MOST_HOURS}; --compromised revokes at once."
            )
        old = find_token(options["token"])
        try:
            new, secret = life.rotate(old, shell(), now=timezone.now(), overlap=hours * HOUR)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        until = f"opens the API for {hours} more hours at most" if hours else "is revoked"
        self.stderr.write(f"Issued {new} for {new.user}; {old} {until}.")
        self.stdout.write(secret)
