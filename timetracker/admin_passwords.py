"""Passwords that are changed in the admin: that column alone, of an account that is as it was."""

from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm as OwnPasswordForm
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AdminPasswordChangeForm as OthersPasswordForm
from django.core.exceptions import PermissionDenied

# To hash a password takes half a second, in which an account may lose its rights.
AS_IT_WAS = ("password", "is_active", "is_staff", "is_superuser")
CHANGED_MEANWHILE = "This account has changed since you opened the page. Open it again."


class PasswordColumn:
    """A password form that writes the one column, if nothing else about the account changed."""

    user: Any

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's
        """Store the new password; PermissionDenied if the account is not as it was any more."""
        as_it_was = {name: getattr(self.user, name) for name in AS_IT_WAS}
        user: Any = super().save(commit=False)  # type: ignore[misc]
        if commit:
            unchanged = get_user_model()._default_manager.filter(pk=user.pk, **as_it_was)
            if not unchanged.update(password=user.password):
                raise PermissionDenied(CHANGED_MEANWHILE)
        return user


class OwnPasswordChangeForm(PasswordColumn, OwnPasswordForm):
    """The form in which people change their own password."""


class OthersPasswordChangeForm(PasswordColumn, OthersPasswordForm):  # type: ignore[type-arg] # not generic at run time
    """The form in which a person gets a new password from somebody else."""
