"""Issue an API token from a shell."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apitokens.addresses import parse_networks
from apitokens.management.tokens import find_user, shell
from apitokens.models import ApiToken
from apitokens.scopes import known_scopes, presets


class IssueOptions(TypedDict):
    """What the command is given."""

    user: str
    name: str
    description: str
    scopes: list[str]
    preset: str | None
    allow_from: list[str]
    expires_in_days: int | None


class Command(BaseCommand):
    """Print a new token's secret alone on standard output, all else on standard error."""

    help = "Issue an API token. Its secret is printed once, alone, on standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user, a name, scopes, networks and a time to live."""
        parser.add_argument(
            "--user", required=True, help="username that the token authenticates as"
        )
        parser.add_argument("--name", required=True, help="name of the token, such as its purpose")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            dest="scopes",
            metavar="SCOPE",
            help=f"scope to grant; repeat for several: {', '.join(known_scopes())}",
        )
        parser.add_argument(
            "--preset",
            choices=[preset.key for preset in presets()],
            help="grant the scopes of a preset, in addition to --scope: "
            + "; ".join(f"{preset.key} ({', '.join(preset.scopes)})" for preset in presets()),
        )
        parser.add_argument(
            "--allow-from",
            action="append",
            default=[],
            metavar="NETWORK",
            help=(
                "allow only this address or network (10.0.0.0/8, 2001:db8::/32); repeat for "
                "several; default: any address"
            ),
        )
        parser.add_argument("--description", default="", help="longer description")
        parser.add_argument(
            "--expires-in-days",
            type=int,
            metavar="N",
            help="days until the token expires; default: never",
        )

    def handle(self, **options: Unpack[IssueOptions]) -> None:
        """Issue the token."""
        token, secret = _issue(options)
        expiry = f"{token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "never"
        self.stderr.write(f"Issued {token} for {token.user}; expires: {expiry}.")
        self.stdout.write(secret)


def _issue(options: IssueOptions) -> tuple[ApiToken, str]:
    days = options["expires_in_days"]
    if days is not None and not 1 <= days <= ApiToken.LONGEST_LIFE_DAYS:
        raise CommandError(
            f"--expires-in-days must be between 1 and {ApiToken.LONGEST_LIFE_DAYS}."
        )
    user = find_user(options["user"])
    preset = next((preset for preset in presets() if preset.key == options["preset"]), None)
    scopes = [*(preset.scopes if preset else ()), *options["scopes"]]
    try:
        return ApiToken.issue(
            shell(),
            user=user,
            name=options["name"],
            description=options["description"],
            scopes=list(dict.fromkeys(scopes)),
            allowed_networks=parse_networks("\n".join(options["allow_from"])),
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
