"""Tokens that are issued for a password."""

import itertools
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from apitokens import life
from apitokens.dialects import name_for_client
from apitokens.models import SERVICE, ApiToken, Performer
from apitokens.scopes import preset
from logins.devices import device_of
from ratelimit.client_address import client_address
from users.models import User
from values.folding import folded, normal, sort_key

LIFE = timedelta(days=90)
MOST_LIVE = 20  # logins of a user
SCOPES = (*preset("full-user").scopes, "read:users")


def user_of(request: HttpRequest, name: str, password: str) -> User | None:
    """Return the active user of a name and password.

    None takes as long for an unknown name, a wrong password and an inactive user: Django hashes a
    password in each case, and the number of queries is the same.
    """
    user = authenticate(request, username=_exact(name), password=password)
    return user if isinstance(user, User) else None


def account_of(name: str) -> int | None:
    """Return the id of the user that a name means, for the log."""
    user: User | None = User.objects.filter(username=_exact(name)).first()
    return user.pk if user else None


@transaction.atomic
def log_in(
    request: HttpRequest, user: User, password: str, *, now: datetime
) -> tuple[ApiToken, str] | None:
    """Issue a token to a user whose password was right, and return it with its secret.

    None if the user was deactivated or the password changed while it was hashed. The lock
    serializes logins of a user with each other and with changes of the account.
    """
    locked = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
    if locked is None or not _is_still(password, locked, user):
        return None
    _make_room(locked, now)
    User.objects.filter(pk=locked.pk).update(last_login=now)
    return ApiToken.issue(
        performer_of(request, locked),
        user=locked,
        name=_free_name(locked, device_of(request.headers.get("User-Agent", "")), now),
        scopes=[*SCOPES],
        expires_at=now + LIFE,
        from_login=True,
        administrator_rights=False,
        dialect=name_for_client(request),
    )


def log_out(request: HttpRequest, token: ApiToken, *, now: datetime) -> None:
    """Revoke the token of a login."""
    by = performer_of(request, token.user)
    life.revoke(ApiToken.objects.filter(pk=token.pk), by, now=now, why="Logged out.")


def end_all(user: AbstractBaseUser, *, now: datetime, why: str) -> None:
    """Revoke the tokens of all logins of a user."""
    life.revoke(ApiToken.objects.logins(user), SERVICE, now=now, why=why)


def performer_of(request: HttpRequest, user: AbstractBaseUser) -> Performer:
    """Return the user and the address of a request."""
    address = client_address(request)
    return Performer(user.get_username(), str(address) if address else None)


def _exact(name: str) -> str:
    """Return the stored spelling of a name, ignoring case if that means one user only."""
    names = User.objects.filter(sort_username=sort_key(name)).values_list("username", flat=True)
    alike = [stored for stored in names if folded(stored) == folded(name)]
    return alike[0] if len(alike) == 1 else normal(name)


def _is_still(password: str, locked: User, checked: User) -> bool:
    """Return whether a password is that of the row as it is now.

    Another login may have stored a new hash of the same password, so a hash decides nothing.
    """
    return locked.password == checked.password or locked.check_password(password)


def _make_room(user: User, now: datetime) -> None:
    """Revoke the oldest logins, so that there is room for one more."""
    live = ApiToken.objects.logins(user).filter(expires_at__gt=now)
    kept = live.order_by("-created_at", "-pk").values_list("pk", flat=True)[: MOST_LIVE - 1]
    why = f"More than {MOST_LIVE} logins."
    life.revoke(live.exclude(pk__in=list(kept)), SERVICE, now=now, why=why)


def _free_name(user: User, device: str, now: datetime) -> str:
    """Return a name that none of the user's tokens has: with a number from the second on."""
    name = f"App login: {device}, {now:%Y-%m-%d %H:%M} UTC"
    tokens = ApiToken.objects.filter(user=user, name__startswith=name, revoked_at=None)
    taken = {*tokens.values_list("name", flat=True)}
    names = (f"{name} ({number})" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], names) if free not in taken)
