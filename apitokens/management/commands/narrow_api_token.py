"""Take unused scopes from an API token in a shell."""

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apitokens import life
from apitokens.management.tokens import add_token_argument, find_token, shell


class Command(BaseCommand):
    """Leave a token the least that its calls so far have needed."""

    help = (
        "Narrow an API token to the scopes that its calls have actually used. Unused "
        "scopes are removed, and broad ones (write:tasks, admin:all) are replaced by the "
        "scopes used through them. The secret does not change."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the token and whether only to show."""
        add_token_argument(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="only print which scopes it would keep"
        )

    def handle(self, *, token: str, dry_run: bool, **_: object) -> None:
        """Narrow the token, or say why it stays as it is."""
        found = find_token(token)
        if dry_run:
            kept = life.least_scopes(found)
            self.stdout.write(f"has    {' '.join(found.scopes)}\nneeds  {' '.join(kept) or '?'}")
            return
        try:
            kept = life.narrow(found, shell())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{found} keeps {', '.join(kept)}.")
