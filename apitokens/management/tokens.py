"""Helpers of the token commands."""

import getpass
from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core.management.base import CommandError

from apitokens.models import ApiToken, Performer

HOW_NAMED = "id or prefix (tt_ and five characters) of the token, as list_api_tokens prints them"


def add_token_argument(parser: ArgumentParser) -> None:
    """Take one token, by id or prefix."""
    parser.add_argument("token", metavar="TOKEN", help=HOW_NAMED)


def find_token(text: str) -> ApiToken:
    """Return the token of an id or a prefix; raises CommandError for none and for several."""
    by = {"pk": int(text)} if text.isascii() and text.isdecimal() else {"prefix": text}
    found = list(ApiToken.objects.filter(**by).select_related("user"))
    if not found:
        raise CommandError(f"Token {text!r} not found. Run list_api_tokens to list all tokens.")
    if len(found) > 1:
        ids = ", ".join(str(token.pk) for token in found)
        raise CommandError(f"Several tokens start with {text!r}. Use one of their ids: {ids}.")
    return found[0]


def find_user(username: str) -> AbstractUser:
    """Return a user by name; raises CommandError if there is none."""
    user: AbstractUser | None = get_user_model().objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"User {username!r} not found.")
    return user


def shell() -> Performer:
    """Return the performer for commands: the operating system's user."""
    return Performer(f"{getpass.getuser()} (manage.py)")
