"""The current user's rights in the admin, checked again before a write."""

from typing import TYPE_CHECKING, cast

from django.contrib import admin
from django.contrib.auth import get_user, get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

if TYPE_CHECKING:
    from users.models import User

RIGHTS_CHANGED = "Your account has changed since you opened the page. Log in again."


class RightsChanged(PermissionDenied):
    """A refusal whose message is meant for the user, unlike those of Django."""


def user_of(request: HttpRequest) -> "User":
    """Return who is logged in, as on each page of the admin but the login."""
    return cast("User", request.user)


def hold_rights(request: HttpRequest, *people: int) -> dict[int, "User"]:
    """Lock the current user's account until the commit, and check its rights again.

    The accounts of other people that are about to be written are locked with it and returned too:
    in the order of their ids, so that two administrators who demote each other do so in turn, and
    the second is none any more. RightsChanged if the session has ended in the meantime.
    """
    accounts = get_user_model()._default_manager.select_for_update(no_key=True).order_by("pk")
    rows: dict[int, User] = accounts.in_bulk({request.user.pk, *people})
    request.user = get_user(request)
    if not admin.site.has_permission(request):
        raise RightsChanged(RIGHTS_CHANGED)
    return rows
