"""Give an API token a new secret from a shell."""

from argparse import ArgumentParser
from datetime import timedelta

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
        "Replace an API token by a new one with the same user, scopes, networks and "
        "lifetime. The new secret is printed once, alone, on standard output. The old "
        "secret remains valid for {USUAL_HOURS} hours, so that you can update the "
        "programs that use it."
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
            help=(
                f"how long the old secret remains valid, 1 to {MOST_HOURS}; default: {USUAL_HOURS}"
            ),
        )
        until.add_argument(
            "--compromised",
            action="store_true",
            help="the old secret has leaked: revoke it immediately",
        )

    def handle(self, *, token: str, overlap_hours: int, compromised: bool, **_: object) -> None:
        """Rotate the token."""
        hours = 0 if compromised else overlap_hours
        if not (compromised or 1 <= hours <= MOST_HOURS):
            raise CommandError(
                f"--overlap-hours must be between 1 and {MOST_HOURS}; use --compromised to "
                "revoke immediately."
            )
        old = find_token(token)
        try:
            new, secret = life.rotate(old, shell(), now=timezone.now(), overlap=hours * HOUR)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        until = f"remains valid for at most {hours} hours" if hours else "is revoked"
        self.stderr.write(f"Issued {new} for {new.user}; {old} {until}.")
        self.stdout.write(secret)
