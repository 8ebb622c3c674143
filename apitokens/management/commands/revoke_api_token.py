"""Revoke API tokens from a shell."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apitokens import life
from apitokens.management.tokens import HOW_NAMED, find_token, find_user, shell
from apitokens.models import ApiToken, ApiTokenQuerySet


class Command(BaseCommand):
    """Revoke some tokens, or all of a user."""

    help = (
        "Revoke API tokens permanently: requests with them are refused immediately. Name "
        "tokens, or use --user to revoke all tokens of a user."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take tokens, or a user."""
        parser.add_argument("tokens", metavar="TOKEN", nargs="*", help=HOW_NAMED)
        parser.add_argument("--user", metavar="NAME", help="revoke all tokens of this user")

    def handle(self, *, tokens: list[str], user: str | None, **_: object) -> None:
        """Revoke, and name each token that was in force."""
        revoked = life.revoke(_meant(tokens, user), shell(), now=timezone.now())
        for token in revoked:
            self.stdout.write(f"Revoked {token} of {token.user}.")
        if not revoked:
            self.stdout.write("Nothing to revoke: no matching token is active.")


def _meant(tokens: list[str], user: str | None) -> ApiTokenQuerySet:
    if bool(tokens) == bool(user):
        raise CommandError("Specify either tokens or --user.")
    if user:
        return ApiToken.objects.filter(user=find_user(user).pk)
    return ApiToken.objects.filter(pk__in=[find_token(text).pk for text in tokens])
