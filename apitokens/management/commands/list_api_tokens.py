"""List the API tokens in a shell."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apitokens.models import ApiToken

HEADINGS = ("id", "prefix", "user", "name", "state", "expires", "last used", "30 days", "scopes")
STATES = ("active", "expired", "revoked", "inactive user", "inert")


class Command(BaseCommand):
    """Print a line for each token, or JSON for scripts."""

    help = "List API tokens with their scopes, state and number of calls in the last 30 days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a user, a state and the format."""
        parser.add_argument("--user", metavar="NAME", help="list only this user's tokens")
        parser.add_argument("--state", choices=STATES, help="list only tokens in this state")
        parser.add_argument("--json", action="store_true", help="print a JSON array")

    def handle(self, **options: object) -> None:
        """Print the tokens, the newest first."""
        now = timezone.now()
        tokens = ApiToken.objects.select_related("user").with_calls(now)
        if options["user"]:
            tokens = tokens.filter(user__username=options["user"])
        rows = [
            _row(token, token.state(now))
            for token in tokens
            if options["state"] in (None, token.state(now))
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
        else:
            self._print([HEADINGS, *(_words(row) for row in rows)])

    def _print(self, lines: list[tuple[str, ...]]) -> None:
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _row(token: ApiToken, state: str) -> dict[str, Any]:
    return {
        "id": token.pk,
        "prefix": token.prefix,
        "user": token.user.get_username(),
        "name": token.name,
        "state": state,
        "expires_at": token.expires_at and token.expires_at.isoformat(),
        "last_used_at": token.last_used_at and token.last_used_at.isoformat(),
        "calls_in_30_days": token.calls,
        "scopes": token.scopes,
        "allowed_networks": token.allowed_networks,
    }


def _words(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        *(str(row[key]) for key in ("id", "prefix", "user", "name", "state")),
        *((row[key] or "never")[:10] for key in ("expires_at", "last_used_at")),
        str(row["calls_in_30_days"]),
        " ".join(row["scopes"]),
    )
