"""Password changes in the admin: only that column, and only if the account has not changed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib.admin.forms import AdminPasswordChangeForm as OwnPasswordForm
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AdminPasswordChangeForm as OthersPasswordForm
from django.contrib.auth.password_validation import password_changed
from django.db import transaction
from django.http import HttpRequest

from staff.rights import RightsChanged, hold_rights

if TYPE_CHECKING:
    from users.models import User

# To hash a password takes half a second, in which an account may lose its rights or gain some.
AS_IT_WAS = ("password", "is_active", "is_staff", "is_superuser")
RIGHTS_GIVEN = ("groups", "user_permissions")
CHANGED_MEANWHILE = "This account has changed since you opened the page. Reload it and try again."


class PasswordColumn:
    """A password form that writes the one column, if nothing else about the account changed."""

    user: "User"

    def __init__(self, *args: object, request: HttpRequest, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self._before = _rights_of(self.user)

    def may_change(self, user: "User") -> bool:
        """Return whether the current user may still change this password."""
        return True

    def save(self, commit: bool = True) -> "User":  # noqa: FBT001, FBT002 - Django's
        """Store the new password; RightsChanged if any rights have changed."""
        user: User = super().save(commit=False)  # type: ignore[misc]
        if commit:
            with transaction.atomic():
                now = hold_rights(self.request, user.pk).get(user.pk)
                if now is None or _rights_of(now) != self._before or not self.may_change(now):
                    raise RightsChanged(CHANGED_MEANWHILE)
                accounts = get_user_model()._default_manager
                accounts.filter(pk=user.pk).update(password=user.password)
                # As AbstractBaseUser.save does, and for an unusable password too.
                password_changed("", user)
        return user


class OwnPasswordChangeForm(PasswordColumn, OwnPasswordForm):
    """The form for changing one's own password."""


class OthersPasswordChangeForm(PasswordColumn, OthersPasswordForm):  # type: ignore[type-arg] # not generic at run time
    """The form for setting another user's password."""

    def __init__(
        self,
        *args: object,
        request: HttpRequest,
        may_change: Callable[[HttpRequest, "User"], bool],
        **kwargs: object,
    ) -> None:
        super().__init__(*args, request=request, **kwargs)
        self._may_change = may_change

    def may_change(self, user: "User") -> bool:
        """Ask the admin once more."""
        return self._may_change(self.request, user)


def _rights_of(user: "User") -> list[object]:
    given = [sorted(getattr(user, name).values_list("pk", flat=True)) for name in RIGHTS_GIVEN]
    return [*given, *(getattr(user, name) for name in AS_IT_WAS)]
